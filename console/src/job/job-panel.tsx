import { useEffect, useMemo, useState } from 'preact/hooks';
import { apiKey, client, jobPath, wordsOf } from '../connection.ts';
import { IconButton } from '../icon-button.tsx';
import { Icon } from '../icon.tsx';
import { LogPanel } from '../log/log-panel.tsx';
import { CopyAs } from '../program/copy-as.tsx';
import { focusField } from '../form/focus.ts';
import { openAgain, type Opened } from '../program/open-again.ts';
import { copyText } from '../results/download.ts';
import { Results } from '../results/results.tsx';
import { ago, plural, shortId } from '../words.ts';
import { Elapsed } from './elapsed.tsx';
import { endingOf } from './ending.ts';
import { Facts } from './facts.tsx';
import { StatusBadge } from './status-badge.tsx';
import { isOver, watchJob, type WatchedJob } from './watch-job.ts';

/** A job from its submission to its results. */
export function JobPanel({ id, onRun }: { id: string; onRun: () => void }) {
  // Another key is another connection.
  const key = apiKey.value;
  const watched = useMemo(() => watchJob(id), [id, key]);
  useEffect(() => () => watched.close(), [watched]);
  const { problem, job } = watched;
  if (job.value === undefined && problem.value !== undefined) {
    return (
      <div class="blank" role="alert">
        <h2>{problem.value}</h2>
        <p>
          <a href="#/history">Look through the jobs that there are</a>
        </p>
      </div>
    );
  }
  return <Watched key={`${id} ${key}`} watched={watched} onRun={onRun} />;
}

function Watched({ watched, onRun }: { watched: WatchedJob; onRun: () => void }) {
  const { id, job, status, artifacts, problem } = watched;
  const now = status.value;
  const known = job.value;
  const ending = known === undefined ? undefined : endingOf(known);
  useTitle(now === undefined ? undefined : `${now} · ${shortId(id)}`);
  return (
    <div class="job" data-status={now}>
      <header class="job-head">
        <div class="job-title">
          {now !== undefined && <StatusBadge status={now} />}
          <h2>
            Job <code title={id}>{shortId(id)}</code>
          </h2>
          <LinkButton />
          {known !== undefined && now === 'running' && known.started_at !== null && <Elapsed since={known.started_at} />}
          {known !== undefined && isOver(now) && <span class="faint">{ago(known.finished_at ?? known.created_at)}</span>}
        </div>
        <Actions watched={watched} onRun={onRun} />
      </header>
      <p class="sr-only" role="status">
        {now === undefined ? '' : `The job is ${now}.`}
      </p>
      {known !== undefined && Object.keys(known.labels).length > 0 && <Labels labels={known.labels} />}
      {ending !== undefined && (
        <div class={`ending is-${now}`} role="group" aria-label="Why it ended">
          <p>
            <strong>{ending.what}</strong> {ending.todo}
          </p>
          {ending.field !== undefined && (
            <button type="button" class="small-button" onClick={() => focusField(ending.field ?? '')}>
              Change it
            </button>
          )}
        </div>
      )}
      {problem.value !== undefined && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
      <LogPanel watched={watched} />
      {known?.log_truncated === true && <p class="preview-note">The log was cut off at its limit.</p>}
      {artifacts.value.length > 0 && <Results id={id} artifacts={artifacts.value} />}
      {known !== undefined && isOver(now) && <Facts job={known} />}
      {known !== undefined && <Details watched={watched} />}
    </div>
  );
}

function useTitle(title: string | undefined): void {
  useEffect(() => {
    document.title = title === undefined ? 'Job Runner' : `${title} · Job Runner`;
    return () => {
      document.title = 'Job Runner';
    };
  }, [title]);
}

function LinkButton() {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    const timer = isCopied ? setTimeout(() => setCopied(false), 2000) : undefined;
    return () => clearTimeout(timer);
  }, [isCopied]);
  return (
    <IconButton
      icon={isCopied ? 'check' : 'link'}
      label={isCopied ? 'Copied' : 'Copy the link to this job'}
      title="Copy the link to this job"
      onClick={() => void copyText(location.href).then(setCopied)}
    />
  );
}

function Actions({ watched, onRun }: { watched: WatchedJob; onRun: () => void }) {
  const { id, status, job } = watched;
  const [isCanceling, setCanceling] = useState(false);
  const [opened, setOpened] = useState<Opened>();
  const [said, setSaid] = useState('');
  const known = job.value;
  useEffect(() => {
    if (known !== undefined) void openAgain(known).then(setOpened);
  }, [known === undefined]);

  const cancel = async (): Promise<void> => {
    setCanceling(true);
    try {
      watched.tell(await client.peek().cancel(id));
    } catch (error) {
      setSaid(wordsOf(error));
    }
    setCanceling(false);
  };
  return (
    <div class="job-actions">
      {said !== '' && (
        <span class="is-bad" role="alert">
          {said}
        </span>
      )}
      {known !== undefined && opened !== undefined && <CopyAs program={() => opened} />}
      {known !== undefined && opened !== undefined && isOver(status.value) && (
        <button
          type="button"
          class="small-button"
          title={opened.isWhole ? 'Run the same program again' : 'Its settings, with the files that are in the editor'}
          onClick={() => {
            opened.restore();
            if (opened.isWhole) onRun();
          }}
        >
          <Icon name={opened.isWhole ? 'again' : 'edit'} /> {opened.isWhole ? 'Run again' : 'Use its settings'}
        </button>
      )}
      {!isOver(status.value) && status.value !== undefined && (
        <button type="button" class="small-button is-danger" disabled={isCanceling} onClick={() => void cancel()}>
          <Icon name="stop" /> {isCanceling ? 'Canceling …' : 'Cancel'}
        </button>
      )}
    </div>
  );
}

function Labels({ labels }: { labels: Record<string, string> }) {
  return (
    <ul class="labels" aria-label="Labels">
      {Object.entries(labels).map(([name, value]) => (
        <li key={name}>
          <b>{name}</b> {value}
        </li>
      ))}
    </ul>
  );
}

function Details({ watched }: { watched: WatchedJob }) {
  const known = watched.job.value;
  if (known === undefined) return null;
  const { spec } = known;
  const times = [
    ['submitted', known.created_at],
    ['started', known.started_at],
    ['finished', known.finished_at],
  ] as const;
  return (
    <details class="job-details">
      <summary>Everything about this job</summary>
      <dl>
        <dt>id</dt>
        <dd>
          <code>{known.id}</code>
        </dd>
        {times.map(([name, at]) => (
          <>
            <dt>{name}</dt>
            <dd>{at === null ? 'not yet' : new Date(at).toLocaleString()}</dd>
          </>
        ))}
        <dt>log</dt>
        <dd>
          {plural(watched.lines.last, 'entry', 'entries')}
          {apiKey.value === '' && (
            <>
              , <a href={jobPath(known.id, 'logs').href}>as text</a>
            </>
          )}
        </dd>
        {Object.entries(spec)
          .filter(([, value]) => value !== '' && JSON.stringify(value) !== '[]' && JSON.stringify(value) !== '{}')
          .map(([name, value]) => (
            <>
              <dt>{name}</dt>
              <dd>
                <code>{typeof value === 'string' ? value : JSON.stringify(value)}</code>
              </dd>
            </>
          ))}
      </dl>
    </details>
  );
}
