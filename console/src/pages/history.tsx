import { useEffect, useState } from 'preact/hooks';
import type { Job, Status } from '../../../src/client/client.ts';
import { apiKey, client, wordsOf } from '../connection.ts';
import { IconButton } from '../icon-button.tsx';
import { Icon } from '../icon.tsx';
import { StatusBadge } from '../job/status-badge.tsx';
import { isOver } from '../job/watch-job.ts';
import { openAgain } from '../program/open-again.ts';
import { run } from '../program/run.ts';
import { go, hrefOf } from '../route.ts';
import { ago, bytes, duration, plural, shortId } from '../words.ts';

const FILTERS: { name: string; status: Status | undefined }[] = [
  { name: 'All', status: undefined },
  { name: 'Queued', status: 'queued' },
  { name: 'Running', status: 'running' },
  { name: 'Succeeded', status: 'succeeded' },
  { name: 'Failed', status: 'failed' },
  { name: 'Canceled', status: 'canceled' },
];
const PAGE = 50;
const REFRESH_MS = 3000;

/** All jobs of the service, newest first. */
export function History() {
  const [status, setStatus] = useState<Status>();
  const [label, setLabel] = useState('');
  const [jobs, setJobs] = useState<Job[]>();
  const [next, setNext] = useState<string | null>(null);
  const [problem, setProblem] = useState('');
  const [turn, setTurn] = useState(0);
  const key = apiKey.value;

  const query = { status, limit: PAGE, ...(label.trim() === '' ? {} : { label: label.trim() }) };
  useEffect(() => {
    const abort = new AbortController();
    client
      .peek()
      .list(query, { signal: abort.signal })
      .then(
        (page) => {
          setJobs(page.jobs);
          setNext(page.next);
          setProblem('');
        },
        (error: unknown) => {
          if (!abort.signal.aborted) setProblem(wordsOf(error));
        },
      );
    return () => abort.abort();
  }, [status, label, turn, key]);

  // What goes on is looked at again; what is over stays as it is.
  const isChanging = jobs?.some((job) => !isOver(job.status)) === true && jobs.length <= PAGE;
  useEffect(() => {
    const timer = isChanging ? setTimeout(() => setTurn(turn + 1), REFRESH_MS) : undefined;
    return () => clearTimeout(timer);
  }, [isChanging, turn]);

  const more = async (): Promise<void> => {
    const page = await client.peek().list({ ...query, cursor: next ?? undefined });
    setJobs([...(jobs ?? []), ...page.jobs]);
    setNext(page.next);
  };
  const attempt = (work: Promise<unknown>): void => void work.catch((error: unknown) => setProblem(wordsOf(error)));

  return (
    <main id="main" class="page" tabIndex={-1}>
      <header class="page-head">
        <h1>History</h1>
        <span class="spacer" />
        <button type="button" class="small-button" onClick={() => setTurn(turn + 1)}>
          <Icon name="again" /> Refresh
        </button>
      </header>
      <div class="filters">
        <div class="segments" role="group" aria-label="Status">
          {FILTERS.map(({ name, status: of }) => (
            <button key={name} type="button" aria-pressed={status === of} onClick={() => setStatus(of)}>
              {name}
            </button>
          ))}
        </div>
        <input
          type="search"
          class="label-filter"
          aria-label="Label, as name or name=value"
          placeholder="label=value"
          value={label}
          onInput={(event) => setLabel(event.currentTarget.value)}
        />
      </div>
      {problem !== '' && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {jobs !== undefined && jobs.length === 0 && (
        <div class="blank">
          <h2>{status === undefined && label.trim() === '' ? 'No jobs yet' : 'No such jobs'}</h2>
          <p>
            <a href="#/">Run a program</a>
            {status === undefined && label.trim() === '' ? ', and it will be listed here.' : ', or look with another filter.'}
          </p>
        </div>
      )}
      {jobs !== undefined && jobs.length > 0 && (
        <ul class="jobs">
          {jobs.map((job) => (
            <Row key={job.id} job={job} attempt={attempt} onGone={() => setJobs(jobs.filter(({ id }) => id !== job.id))} />
          ))}
        </ul>
      )}
      {next !== null && (
        <button type="button" class="button more" onClick={() => attempt(more())}>
          Older jobs
        </button>
      )}
    </main>
  );
}

function Row({ job, attempt, onGone }: { job: Job; attempt: (work: Promise<unknown>) => void; onGone: () => void }) {
  const { id, status, spec, labels, usage, artifacts, created_at: created } = job;
  const open = async (): Promise<void> => {
    const opened = await openAgain(job);
    opened.restore();
    if (opened.isWhole) await run();
    else go({ page: 'new' });
  };
  return (
    <li class="job-row">
      <a href={hrefOf({ page: 'job', id })}>
        <StatusBadge status={status} />
        <code>{shortId(id)}</code>
        <span class="job-row-what">
          <span class="job-row-entry">
            {spec.entry} {spec.args.join(' ')}
          </span>
          {Object.entries(labels).map(([name, value]) => (
            <span key={name} class="label">
              <b>{name}</b> {value}
            </span>
          ))}
        </span>
        <span class="faint job-row-facts">
          {usage === null ? '' : `${duration(usage.wall_ms)} · ${bytes(usage.max_rss_bytes)}`}
          {artifacts.length > 0 ? ` · ${plural(artifacts.length, 'file')}` : ''}
        </span>
        <time dateTime={created} title={new Date(created).toLocaleString()}>
          {ago(created)}
        </time>
      </a>
      <IconButton icon="again" label={`Run ${shortId(id)} again`} title="Run again" onClick={() => attempt(open())} />
      {isOver(status) ? (
        <IconButton
          icon="trash"
          label={`Remove ${shortId(id)}`}
          title="Remove it with its log and files"
          onClick={() => attempt(client.peek().delete(id).then(onGone))}
        />
      ) : (
        <IconButton icon="stop" label={`Cancel ${shortId(id)}`} title="Cancel" onClick={() => attempt(client.peek().cancel(id))} />
      )}
    </li>
  );
}
