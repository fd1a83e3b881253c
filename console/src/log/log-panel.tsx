import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Icon } from '../icon.tsx';
import { runtimes } from '../service-state.ts';
import { stored } from '../stored.ts';
import { plural } from '../words.ts';
import type { WatchedJob } from '../job/watch-job.ts';
import { isOver } from '../job/watch-job.ts';
import { copyText, saveBlob } from '../results/download.ts';
import { plain } from './lines.ts';
import { LogView } from './log-view.tsx';
import { createSearch } from './search.ts';

/** So many are in sight anyway. */
const SHORT_LINES = 15;

const isFlag = (value: unknown): value is boolean => typeof value === 'boolean';
const hasTimes = stored('log-times', false, isFlag);
const isWrapped = stored('log-wrap', matchMedia('(max-width: 860px)').matches, isFlag);

/** Why there is nothing to see yet. */
function waitingFor({ status, job }: WatchedJob): string {
  const name = job.value?.spec.runtime;
  const runtime = runtimes.value.find((each) => each.name === name);
  if (status.value === 'queued' && runtime?.state === 'preparing') {
    return `${name} is being prepared: its packages are installed, once. That takes a minute or two; the job starts by itself then.`;
  }
  return status.value === 'queued' ? 'Waiting for its turn …' : 'Waiting for the first line …';
}

/** The live log with all that one does to it. */
export function LogPanel({ watched }: { watched: WatchedJob }) {
  const { lines, version, status, isConnected } = watched;
  const [isFollowing, setFollowing] = useState(true);
  const [query, setQuery] = useState('');
  const [hit, setHit] = useState(0);
  const [said, setSaid] = useState('');
  const field = useRef<HTMLInputElement>(null);
  const changes = version.value;

  // A search looks at what is new only; another word is another search.
  const search = useMemo(() => createSearch(query), [query, lines]);
  useMemo(() => search.update(lines.all), [search, changes]);
  const found = search.hits.length;
  const current = query === '' || found === 0 ? undefined : search.hits[Math.min(hit, found - 1)];

  const step = (by: number): void => {
    if (found === 0) return;
    setFollowing(false);
    setHit((Math.min(hit, found - 1) + by + found) % found);
  };

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

  const text = (): string => lines.all.map((line) => `${plain(line.text)}\n`).join('');
  const copy = async (): Promise<void> => setSaid((await copyText(text())) ? 'Copied' : 'The browser forbids it');
  useEffect(() => {
    const timer = said === '' ? undefined : setTimeout(() => setSaid(''), 2000);
    return () => clearTimeout(timer);
  }, [said]);

  const isRunning = !isOver(status.value);
  return (
    <section class="log" aria-label="Log of the job">
      <div class="log-bar">
        <div class="log-search" role="search">
          <Icon name="search" />
          <input
            ref={field}
            type="search"
            aria-label="Search the log"
            placeholder="Search the log"
            value={query}
            onInput={(event) => {
              setQuery(event.currentTarget.value);
              setHit(0);
              if (event.currentTarget.value !== '') setFollowing(false);
            }}
            onKeyDown={(event) => {
              if (event.key === 'Enter') step(event.shiftKey ? -1 : 1);
              if (event.key === 'Escape') setQuery('');
            }}
          />
          {query !== '' && (
            <>
              <span class="log-found" aria-live="polite">
                {found === 0 ? 'none' : `${Math.min(hit, found - 1) + 1} of ${found}`}
              </span>
              <button type="button" class="icon-button" aria-label="Previous match" title="Previous (Shift-Enter)" onClick={() => step(-1)}>
                <Icon name="up" />
              </button>
              <button type="button" class="icon-button" aria-label="Next match" title="Next (Enter)" onClick={() => step(1)}>
                <Icon name="down" />
              </button>
            </>
          )}
        </div>
        <span class="spacer" />
        <button
          type="button"
          class="icon-button"
          aria-pressed={hasTimes.value}
          aria-label="Times"
          title="Times"
          onClick={() => (hasTimes.value = !hasTimes.value)}
        >
          <Icon name="clock" />
        </button>
        <button
          type="button"
          class="icon-button"
          aria-pressed={isWrapped.value}
          aria-label="Wrap lines"
          title="Wrap lines"
          onClick={() => (isWrapped.value = !isWrapped.value)}
        >
          <Icon name="wrap" />
        </button>
        <button type="button" class="icon-button" aria-label="Copy the log" title="Copy" onClick={() => void copy()}>
          <Icon name="copy" />
        </button>
        <button
          type="button"
          class="icon-button"
          aria-label="Download the log"
          title="Download"
          onClick={() => saveBlob(new Blob([text()], { type: 'text/plain' }), `${watched.id}.log`)}
        >
          <Icon name="download" />
        </button>
        <button
          type="button"
          class="small-button follow"
          hidden={!isRunning && lines.length < SHORT_LINES}
          aria-pressed={isFollowing}
          onClick={() => setFollowing(!isFollowing)}
          title="Keep the newest line in sight"
        >
          <Icon name={isFollowing && isRunning ? 'pause' : 'end'} />
          {isRunning ? (isFollowing ? 'Pause' : 'Follow') : 'To the end'}
        </button>
      </div>
      {!isConnected.value && isRunning && (
        <p class="log-lost" role="status">
          <Icon name="cloud" /> Connection lost. Trying again; nothing of the log gets lost.
        </p>
      )}
      {lines.length === 0 ? (
        <p class="log-nothing">{isRunning ? waitingFor(watched) : 'The program printed nothing.'}</p>
      ) : (
        <LogView
          lines={lines}
          version={changes}
          isFollowing={isFollowing}
          onFollow={setFollowing}
          hasTimes={hasTimes.value}
          isWrapped={isWrapped.value}
          search={search}
          current={current}
        />
      )}
      <div class="log-foot">
        <span>{plural(lines.length, 'line')}</span>
        <span aria-live="polite">{said}</span>
      </div>
    </section>
  );
}
