import type { Signal } from '@preact/signals';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { IconButton } from '../icon-button.tsx';
import { Icon, type IconName } from '../icon.tsx';
import { runtimes } from '../service-state.ts';
import { stored } from '../stored.ts';
import { plural } from '../words.ts';
import type { WatchedJob } from '../job/watch-job.ts';
import { isOver } from '../job/watch-job.ts';
import { copyText, saveBlob } from '../results/download.ts';
import { plain } from './lines.ts';
import { LogSearch } from './log-search.tsx';
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
        <LogSearch
          query={query}
          onQuery={(next) => {
            setQuery(next);
            setHit(0);
            if (next !== '') setFollowing(false);
          }}
          found={found}
          hit={Math.min(hit, found - 1)}
          onStep={step}
        />
        <span class="spacer" />
        <Toggle icon="clock" label="Times" on={hasTimes} />
        <Toggle icon="wrap" label="Wrap lines" on={isWrapped} />
        <IconButton icon="copy" label="Copy the log" title="Copy" onClick={() => void copy()} />
        <IconButton
          icon="download"
          label="Download the log"
          title="Download"
          onClick={() => saveBlob(new Blob([text()], { type: 'text/plain' }), `${watched.id}.log`)}
        />
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

function Toggle({ icon, label, on }: { icon: IconName; label: string; on: Signal<boolean> }) {
  return <IconButton icon={icon} label={label} title={label} aria-pressed={on.value} onClick={() => (on.value = !on.value)} />;
}
