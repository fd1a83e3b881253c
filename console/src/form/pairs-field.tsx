import { IconButton } from '../icon-button.tsx';
import type { Pair } from '../program/settings.ts';
import { Field } from './field.tsx';

interface Props {
  name: string;
  label: string;
  one: string;
  value: Pair[];
  onChange: (pairs: Pair[]) => void;
}

/** Names with values. The last row is always free: writing in it makes it one of them. */
export function PairsField({ name, label, one, value, onChange }: Props) {
  const rows: Pair[] = [...value, ['', '']];
  const set = (index: number, pair: Pair): void =>
    onChange(rows.map((each, at) => (at === index ? pair : each)).filter(([key, text]) => key !== '' || text !== ''));
  return (
    <Field name={name} label={label}>
      {(attributes) => (
        <div class="pairs" role="group" aria-label={label}>
          {rows.map(([key, text], index) => (
            <div class="pair" key={index}>
              <input
                {...(index === 0 ? attributes : {})}
                aria-label={`Name of ${one} ${index + 1}`}
                placeholder="name"
                autocomplete="off"
                value={key}
                onInput={(event) => set(index, [event.currentTarget.value, text])}
              />
              <input
                aria-label={`Value of ${one} ${index + 1}`}
                placeholder="value"
                autocomplete="off"
                value={text}
                onInput={(event) => set(index, [key, event.currentTarget.value])}
              />
              <IconButton
                icon="close"
                label={`Remove ${one} ${index + 1}`}
                disabled={index === value.length}
                onClick={() => onChange(value.filter((_, at) => at !== index))}
              />
            </div>
          ))}
        </div>
      )}
    </Field>
  );
}
