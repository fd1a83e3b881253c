import { afterEach, beforeEach, expect, it } from 'vitest';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Readable } from 'node:stream';
import { pino } from 'pino';
import { claim, finish, startApp, submit, type TestApp } from '../../test/support/app.ts';
import { systemPython } from '../../test/support/system-python.ts';
import type { Artifacts } from '../artifacts/artifacts.ts';
import { createNone } from '../sandbox/none.ts';
import type { Claim, Store } from '../store/store.ts';
import { unwatched } from './attempt-watch.ts';
import { runAttempt } from './attempt.ts';

let app: TestApp;
beforeEach(async () => {
  app = await startApp();
});
afterEach(() => app.close());

const LEASE_MS = 300;

/** Runs an attempt with the real drivers; `lost` resolves when its worker has heard that the job is somebody else's. */
async function run(claimed: Claim, artifacts: Artifacts): Promise<{ over: Promise<void>; lost: Promise<void> }> {
  const interpreter = await systemPython();
  const lost = Promise.withResolvers<void>();
  const store: Store = {
    ...app.store,
    async renew(lease, leaseMs) {
      const state = await app.store.renew(lease, leaseMs);
      if (state === 'lost') lost.resolve();
      return state;
    },
  };
  const runtime = { name: 'python3.12', version: '3.12.1', state: 'ready' as const, packages: {}, interpreter };
  const over = runAttempt(
    claimed,
    {
      store,
      artifacts,
      sandbox: createNone(),
      runtimes: {
        defaultName: runtime.name,
        list: () => [runtime],
        get: () => runtime,
        resolve: () => runtime,
        onChange: () => () => undefined,
        close: async () => undefined,
      },
      logger: pino({ level: 'silent' }),
      rules: { leaseMs: LEASE_MS, collect: { maxFiles: 10, maxDepth: 10, maxMs: 10_000 } },
      watch: unwatched,
    },
    new AbortController().signal,
  );
  return { over, lost: lost.promise.then(() => nextTurn()) };
}

/** Ends a lease as the time would. */
async function expire({ lease }: Claim): Promise<void> {
  await app.store.renew(lease, -1000);
  await app.store.rescue({ maxAttempts: 9, retryLog: () => [], lostLog: () => [] });
}

/** The next attempt, somewhere else: it keeps a result and ends well. */
async function endElsewhere(id: string): Promise<void> {
  const next = await claim(app.store);
  await app.artifacts.clearOutputs(id);
  const kept = await app.artifacts.keep(id, { name: 'result', size: 4, open: () => Readable.from([Buffer.from('good')]) });
  await finish(app.store, next, { artifacts: [kept] });
}

const resultOf = async (id: string): Promise<string | undefined> =>
  (await app.artifacts.open(id, 'result'))
    ?.stream()
    .toArray()
    .then((parts) => Buffer.concat(parts as Buffer[]).toString());

it('removes nothing of the next attempt’s when its job was lost before it began', async () => {
  const id = await submit(app.url);
  await expire(await claim(app.store));
  const second = await claim(app.store);
  const gate = Promise.withResolvers<void>();
  const { over, lost } = await run(second, {
    ...app.artifacts,
    async inputs(jobId) {
      await gate.promise;
      return app.artifacts.inputs(jobId);
    },
  });
  await expire(second);
  await endElsewhere(id);
  await lost;
  gate.resolve();
  await over;
  expect(await resultOf(id)).toBe('good');
});

it('replaces nothing of the next attempt’s when its job was lost while it kept a file', async () => {
  const id = await submit(app.url, {
    code: { 'main.py': "import os; open(os.environ['JOB_OUTPUT_DIR'] + '/result', 'w').write('stale')" },
  });
  const first = await claim(app.store);
  const keeping = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const { over, lost } = await run(first, {
    ...app.artifacts,
    keep(jobId, file, signal) {
      async function* slowly(): AsyncGenerator<Buffer> {
        keeping.resolve();
        await gate.promise;
        yield* file.open() as AsyncIterable<Buffer>;
      }
      return app.artifacts.keep(jobId, { ...file, open: () => Readable.from(slowly()) }, signal);
    },
  });
  await keeping.promise;
  await expire(first);
  await endElsewhere(id);
  await lost;
  gate.resolve();
  await over;
  expect(await resultOf(id)).toBe('good');
});
