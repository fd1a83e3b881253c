import { mkdtemp, readdir, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Artifacts } from '../../src/artifacts/artifacts.ts';
import { createDiskArtifacts } from '../../src/artifacts/disk.ts';
import { createObservers } from '../../src/compose/observe.ts';
import { openAccess } from '../../src/compose/open-access.ts';
import { readConfig, type Config } from '../../src/config.ts';
import { mountDropIns } from '../../src/dropin/drop-ins.ts';
import { createApp } from '../../src/http/app.ts';
import type { App } from '../../src/http/typed-app.ts';
import { mountMcp } from '../../src/mcp/http.ts';
import { localJobs } from '../../src/mcp/local-jobs.ts';
import { runnerEntry, says } from '../../src/jobs/runner-lines.ts';
import type { Outcome } from '../../src/jobs/outcome.ts';
import type { Runtime, Runtimes } from '../../src/runtimes/runtime.ts';
import { createSqliteStore } from '../../src/store/sqlite.ts';
import type { Claim, NewLogEntry, Store } from '../../src/store/store.ts';

/** The HTTP side with the embedded drivers, and no worker: tests play that part through the store. */
export interface TestApp {
  url: string;
  app: App;
  store: Store;
  artifacts: Artifacts;
  config: Config;
  /** Everything below the folder of files, to see that nothing was left behind. */
  filesLeft(): Promise<string[]>;
  close(): Promise<void>;
}

const RUNTIME: Runtime = {
  name: 'python3.12',
  version: '3.12.1',
  state: 'ready',
  packages: { numpy: '2.0.0' },
  interpreter: { executable: '/usr/bin/python3', prefix: '/usr', series: '3.12' },
};

const oneRuntime: Runtimes = {
  defaultName: RUNTIME.name,
  list: () => [RUNTIME],
  get: (name) => (name === RUNTIME.name ? RUNTIME : undefined),
  resolve: (name) => (name === RUNTIME.name ? RUNTIME : undefined),
  onChange: () => () => undefined,
  close: async () => undefined,
};

export async function startApp(variables: Record<string, string> = {}): Promise<TestApp> {
  const home = await mkdtemp(join(tmpdir(), 'job-runner-app-'));
  const config = readConfig({ JOB_DATA_DIR: home, ...variables });
  const logger = pino({ level: 'silent' });
  const observers = await createObservers(config, '0.0.0', logger);
  const store = observers.observe(createSqliteStore({ path: join(home, 'jobs.sqlite'), sync: 'normal' }));
  const artifacts = createDiskArtifacts({ dir: join(home, 'files') });
  await artifacts.check();
  const access = await openAccess(config, logger);
  const app = await createApp({
    config,
    version: '0.0.0',
    store,
    artifacts,
    runtimes: oneRuntime,
    readiness: async () => ({ ready: true, parts: [] }),
    logger,
    access,
    watch: observers.submit,
    events: observers.http,
    metrics: observers.expose,
    mount: async (app, more) => {
      const all = { config, store, artifacts, runtimes: oneRuntime, ...more };
      await mountDropIns(app, all);
      await mountMcp(app, { config, jobs: (sender) => localJobs(all, sender), version: '0.0.0' });
    },
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    app,
    store,
    artifacts,
    config,
    async filesLeft() {
      const entries = await readdir(join(home, 'files'), { recursive: true, withFileTypes: true });
      return entries.filter((entry) => !['staging', 'keeping'].includes(entry.name)).map((entry) => join(entry.parentPath, entry.name));
    },
    async close() {
      await app.close();
      await access.keys?.close();
      await store.close();
      await observers.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}

export interface Form {
  spec?: unknown;
  code?: Record<string, string | Uint8Array<ArrayBuffer>>;
  input?: Record<string, string | Uint8Array<ArrayBuffer>>;
}

export function formOf({ spec = {}, code = { 'main.py': 'print(1)' }, input = {} }: Form): FormData {
  const form = new FormData();
  form.append('spec', typeof spec === 'string' ? spec : JSON.stringify(spec));
  for (const [name, content] of Object.entries(code)) form.append('code_files', new File([content], name));
  for (const [name, content] of Object.entries(input)) form.append('input_files', new File([content], name));
  return form;
}

export const post = (url: string, form: Form = {}, init: RequestInit = {}): Promise<Response> =>
  fetch(`${url}/jobs`, { method: 'POST', body: formOf(form), ...init });

export async function submit(url: string, form: Form = {}): Promise<string> {
  const response = await post(url, form);
  const body = (await response.json()) as { job_id: string };
  if (!response.ok) throw new Error(`not accepted: ${JSON.stringify(body)}`);
  return body.job_id;
}

export const jobOf = async (url: string, id: string): Promise<{ job: Record<string, unknown>; log_lines: number }> =>
  (await (await fetch(`${url}/jobs/${id}`)).json()) as { job: Record<string, unknown>; log_lines: number };

export const lines = (...texts: string[]): NewLogEntry[] => texts.map((text) => ({ stream: 'stdout', at: Date.now(), text }));

export async function claim(store: Store): Promise<Claim> {
  const claimed = await store.claim({ worker: 'test', leaseMs: 60_000, runtimes: [RUNTIME.name], signal: AbortSignal.timeout(5000) });
  if (claimed === undefined) throw new Error('there was nothing to claim');
  return claimed;
}

/** Plays the worker's last part. */
export async function finish(
  store: Store,
  { lease }: Claim,
  more: { outcome?: Outcome; log?: NewLogEntry[]; artifacts?: Awaited<ReturnType<Artifacts['keep']>>[] } = {},
): Promise<void> {
  await store.finish(lease, {
    outcome: more.outcome ?? { kind: 'exited', code: 0 },
    usage: null,
    artifacts: more.artifacts ?? [],
    logTruncated: false,
    log: [...(more.log ?? []), runnerEntry(says.finished(0), Date.now())],
  });
}
