import { useState } from 'preact/hooks';
import { plural } from '../words.ts';

const AT_ONCE = 100;

const entriesOf = (value: object): [string, unknown][] => Object.entries(value);
const summaryOf = (value: object): string =>
  Array.isArray(value) ? `[ ${plural(value.length, 'item')} ]` : `{ ${plural(Object.keys(value).length, 'field')} }`;

/** A value that opens where one wants to look; what is closed is not drawn. */
export function JsonTree({ value, name, depth = 0 }: { value: unknown; name?: string; depth?: number }) {
  const [isOpen, setOpen] = useState(depth === 0);
  const [shown, setShown] = useState(AT_ONCE);
  const label = name === undefined ? null : <span class="json-key">{name}: </span>;
  if (typeof value !== 'object' || value === null) {
    return (
      <div class="json-leaf">
        {label}
        <span class={`json-${value === null ? 'null' : typeof value}`}>{JSON.stringify(value)}</span>
      </div>
    );
  }
  const entries = isOpen ? entriesOf(value) : [];
  return (
    <details class="json-node" open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        {label}
        <span class="faint">{summaryOf(value)}</span>
      </summary>
      <div class="json-children">
        {entries.slice(0, shown).map(([key, each]) => (
          <JsonTree key={key} name={key} value={each} depth={depth + 1} />
        ))}
        {entries.length > shown && (
          <button type="button" class="small-button" onClick={() => setShown(shown + AT_ONCE * 10)}>
            {entries.length - shown} more
          </button>
        )}
      </div>
    </details>
  );
}
