import { useEffect, useState } from 'preact/hooks';
import { apiKey, get } from '../connection.ts';
import { Icon } from '../icon.tsx';
import { serviceVersion } from '../schema.ts';
import { isReachable, lookAtService, readiness, runtimes, type ReadinessPart } from '../service-state.ts';

const GUARANTEES: Record<string, string> = {
  filesystem: 'sees no files of the machine but its interpreter’s',
  network: 'reaches no network, unless it may',
  processes: 'sees no other process, and leaves none behind',
  syscalls: 'makes harmless system calls only, without privileges',
  user: 'is neither root nor the service’s user',
  memory: 'gets no more memory than it may',
  pids: 'gets no more processes than it may',
  cpu: 'gets no more processor time than it may',
  disk: 'writes no more than it may',
};
const QUEUE_MS = 5000;

/** How the service is: what works, what it guarantees, what waits, what can run. */
export function System() {
  useEffect(() => void lookAtService(), []);
  return (
    <main id="main" class="page" tabIndex={0}>
      <header class="page-head">
        <h1>System</h1>
        {serviceVersion.value !== '' && <span class="faint">version {serviceVersion.value}</span>}
      </header>
      {!isReachable.value && (
        <p class="problem" role="alert">
          The service can’t be reached. Is it running?
        </p>
      )}
      <Queue />
      <section aria-labelledby="parts-title">
        <h2 id="parts-title">Parts</h2>
        <ul class="parts">
          {(readiness.value?.parts ?? []).map((part) => (
            <Part key={part.name} part={part} />
          ))}
        </ul>
      </section>
      <section aria-labelledby="runtimes-title">
        <h2 id="runtimes-title">Runtimes</h2>
        <ul class="parts">
          {runtimes.value.map(({ name, version, state, packages, default: isDefault }) => (
            <li key={name} class="part">
              <header>
                <span class={`dot is-${state === 'ready' ? 'good' : state === 'failed' ? 'bad' : 'wait'}`} aria-hidden="true" />
                <h3>{name}</h3>
                <span class="faint">
                  {version}, {state}
                  {isDefault ? ', the default' : ''}
                </span>
              </header>
              <ul class="labels" aria-label={`Packages of ${name}`}>
                {Object.entries(packages).map(([each, of]) => (
                  <li key={each}>
                    <b>{each}</b> {of}
                  </li>
                ))}
                {Object.keys(packages).length === 0 && <li>the standard library</li>}
              </ul>
            </li>
          ))}
        </ul>
      </section>
    </main>
  );
}

function Part({ part: { name, ok, detail, remedy, guarantees = {}, notes = [] } }: { part: ReadinessPart }) {
  return (
    <li class="part">
      <header>
        <span class={`dot is-${ok ? 'good' : 'bad'}`} aria-hidden="true" />
        <h3>{name}</h3>
        <span class="faint">
          <span class="sr-only">{ok ? 'works, ' : 'does not work, '}</span>
          {detail}
        </span>
      </header>
      {remedy !== undefined && <p class="remedy">→ {remedy}</p>}
      {Object.keys(guarantees).length > 0 && (
        <ul class="guarantees" aria-label="What holds for every job">
          {Object.entries(guarantees).map(([guarantee, holds]) => (
            <li key={guarantee} class={holds ? 'is-good' : 'is-bad'}>
              <Icon name={holds ? 'check' : 'close'} />
              <span>
                <b>{guarantee}</b> <span class="faint">{holds ? GUARANTEES[guarantee] : 'not on this machine'}</span>
              </span>
            </li>
          ))}
        </ul>
      )}
      {notes.map((note) => (
        <p key={note} class="remedy">
          {note}
        </p>
      ))}
    </li>
  );
}

function Queue() {
  const [counts, setCounts] = useState<Record<'queued' | 'running', number>>();
  const key = apiKey.value;
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isGone = false;
    const look = async (): Promise<void> => {
      const response = await get('usage');
      if (response.ok && !isGone) setCounts((await response.json()) as Record<'queued' | 'running', number>);
    };
    const again = (): void => {
      if (!isGone)
        timer = setTimeout(
          () =>
            void look()
              .catch(() => undefined)
              .then(again),
          QUEUE_MS,
        );
    };
    void look()
      .catch(() => undefined)
      .then(again);
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [key]);
  return (
    <section aria-labelledby="queue-title">
      <h2 id="queue-title">Queue</h2>
      <dl class="numbers">
        <div>
          <dt>Running</dt>
          <dd>{counts?.running ?? '–'}</dd>
        </div>
        <div>
          <dt>Waiting</dt>
          <dd>{counts?.queued ?? '–'}</dd>
        </div>
      </dl>
    </section>
  );
}
