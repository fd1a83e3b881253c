import { useEffect, useRef } from 'preact/hooks';
import { IconButton } from '../icon-button.tsx';
import { Icon } from '../icon.tsx';

interface Props {
  query: string;
  onQuery(query: string): void;
  /** How many lines match, and which of them is looked at, from 0. */
  found: number;
  hit: number;
  /** To the next one, or with -1 to the one before. */
  onStep(by: 1 | -1): void;
}

/** The field that searches the log; the key / leads there. */
export function LogSearch({ query, onQuery, found, hit, onStep }: Props) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const isTyping = event
        .composedPath()
        .some((each) => each instanceof HTMLElement && (each.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(each.tagName)));
      if (event.key === '/' && !isTyping && !event.ctrlKey && !event.metaKey) {
        event.preventDefault();
        field.current?.focus();
      }
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);

  return (
    <div class="log-search" role="search">
      <Icon name="search" />
      <input
        ref={field}
        type="search"
        aria-label="Search the log"
        placeholder="Search the log"
        value={query}
        onInput={(event) => onQuery(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') onStep(event.shiftKey ? -1 : 1);
          if (event.key === 'Escape') onQuery('');
        }}
      />
      {query !== '' && (
        <>
          <span class="log-found" aria-live="polite">
            {found === 0 ? 'none' : `${hit + 1} of ${found}`}
          </span>
          <IconButton icon="up" label="Previous match" title="Previous (Shift-Enter)" onClick={() => onStep(-1)} />
          <IconButton icon="down" label="Next match" title="Next (Enter)" onClick={() => onStep(1)} />
        </>
      )}
    </div>
  );
}
