import { spawn, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StartError } from '../errors.ts';
import { LEASE_MS, lines, newJob, RULES, RUNTIME, seqs, succeeded, upTo, AT_ONCE, line } from './contract/jobs-for-tests.contract.ts';
import { MIGRATIONS } from './sqlite-schema.ts';
import { openSqliteStore } from './sqlite-under-test.contract.ts';
import { createSqliteStore } from './sqlite.ts';
import { storeContract } from './store.contract.ts';
import type { Claim, JobRecord, Store } from './store.ts';

storeContract('sqlite', openSqliteStore);

const SETUP = `
  import { writeSync, rmSync } from 'node:fs';
  import { createSqliteStore } from ${JSON.stringify(new URL('sqlite.ts', import.meta.url).href)};
  import * as kit from ${JSON.stringify(new URL('contract/jobs-for-tests.contract.ts', import.meta.url).href)};
  const say = (value) => writeSync(1, JSON.stringify(value) + '\\n');
  const path = process.argv[1];
`;

/** Arguments of a process that runs a program against a database of its own. */
const program = (text: string, path: string): string[] => ['--input-type=module', '--eval', SETUP + text, path];

describe('sqlite', () => {
  let dir: string;
  let path: string;
  const opened: Store[] = [];
  const open = (): Store => {
    const store = createSqliteStore({ path, sync: 'normal' });
    opened.push(store);
    return store;
  };
  const claimFrom = async (store: Store): Promise<Claim> => {
    const claim = await store.claim({ worker: 'test', leaseMs: LEASE_MS, runtimes: [RUNTIME], signal: AT_ONCE });
    if (claim === undefined) throw new Error('there is no job to claim');
    return claim;
  };
  const refusal = (): StartError => {
    try {
      open();
    } catch (error) {
      if (error instanceof StartError) return error;
      throw error;
    }
    throw new Error('the database was opened');
  };

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'sqlite-test-'));
    path = join(dir, 'jobs.sqlite');
  });
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
    await rm(dir, { recursive: true, force: true });
  });

  it('holds a lease through every jump of the wall clock', async () => {
    let wall = Date.now();
    let steady = 1000;
    const store = createSqliteStore({ path, sync: 'normal', now: () => wall, steady: () => steady });
    opened.push(store);
    await store.insert(newJob());
    await claimFrom(store);
    wall += 3_600_000;
    expect((await store.rescue(RULES)).requeued).toEqual([]);
    wall -= 7_200_000;
    steady += LEASE_MS + 1;
    expect((await store.rescue(RULES)).requeued).toHaveLength(1);
  });

  it('keeps all that it promised when the process is killed in the middle of writing', async () => {
    const child = spawn(
      process.execPath,
      program(
        `
        const store = createSqliteStore({ path, sync: 'normal' });
        await store.insert(kit.newJob());
        const { lease } = await store.claim({ worker: 'w', leaseMs: 60_000, runtimes: [kit.RUNTIME], signal: AbortSignal.abort() });
        for (let count = 1; ; count += 1) {
          const job = kit.newJob();
          await store.insert(job);
          await store.append(lease, kit.lines(40));
          say({ job: job.id, logged: count * 40, running: lease.jobId });
        }`,
        path,
      ),
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const promised: { job: string; logged: number; running: string }[] = [];
    for await (const said of createInterface({ input: child.stdout })) {
      // What stood in the pipe when the process died was promised too.
      promised.push(JSON.parse(said) as (typeof promised)[number]);
      if (promised.length === 300) child.kill('SIGKILL');
    }
    const store = open();
    for (const { job } of promised) expect(await store.get(job)).toMatchObject({ status: 'queued' });
    const last = promised.at(-1);
    const running = await store.get(last?.running ?? '');
    expect(running?.logLines).toBeGreaterThanOrEqual(last?.logged ?? Infinity);
    expect(seqs(await store.read(running?.id ?? '', 0, 1_000_000))).toEqual(upTo(running?.logLines ?? 0));
    // The lock of the killed process proves nothing any more: its job is rescued without waiting for the lease.
    expect((await store.rescue(RULES)).requeued).toEqual([running?.id]);
  });

  it('rescues the jobs of a former process at once, not when their leases run out', async () => {
    const before = open();
    await before.insert(newJob());
    const { job } = await claimFrom(before);
    await before.close();
    expect((await open().rescue(RULES)).requeued).toEqual([job.id]);
  });

  it('refuses a second process, and says what to do', async () => {
    open();
    const second = spawnSync(
      process.execPath,
      program(`try { createSqliteStore({ path, sync: 'normal' }) } catch (error) { say([error.name, error.message, error.remedy]) }`, path),
      { encoding: 'utf8' },
    );
    expect(JSON.parse(second.stdout)).toEqual([
      'StartError',
      `Another process works on the database ${path}.`,
      `stop the service that runs on ${dir}, or set JOB_DATA_DIR to a folder of its own`,
    ]);
  });

  it('refuses to be opened twice in one process', () => {
    open();
    expect(refusal().message).toBe(`Another process works on the database ${path}.`);
  });

  it('can be opened again once it is closed', async () => {
    await open().close();
    await expect(open().check()).resolves.toBeUndefined();
  });

  it('says that a file is no database, and how to begin anew', async () => {
    await writeFile(path, 'not a database, and long enough to tell. '.repeat(100));
    expect(refusal().message).toContain(`The database ${path} is damaged`);
    expect(refusal().remedy).toContain(`mv ${path} ${path}.damaged`);
  });

  it('says that a folder is missing or not writable', async () => {
    path = join(dir, 'missing', 'jobs.sqlite');
    expect(refusal().remedy).toBe(`let this user write to ${join(dir, 'missing')}, or set JOB_DATA_DIR to another folder`);
    path = dir;
    expect(refusal().message).toContain(`The database ${dir} can't be opened`);
  });

  it('leaves a database of a newer version alone', async () => {
    await open().close();
    const db = new DatabaseSync(path);
    db.exec('PRAGMA user_version = 999');
    db.close();
    expect(refusal().message).toContain('newer version');
  });

  it('takes over the jobs of the version before there were owners', async () => {
    const db = new DatabaseSync(path);
    db.exec(MIGRATIONS[0] ?? '');
    db.exec('PRAGMA user_version = 1');
    const [queued, finished] = [newJob(), newJob()];
    const insert = db.prepare('INSERT INTO jobs (id, runtime, status, created_at, bytes, idempotency_key) VALUES (?, ?, ?, 1, 5, ?)');
    insert.run(queued.id, RUNTIME, 'queued', 'k');
    insert.run(finished.id, RUNTIME, 'succeeded', null);
    for (const { id, spec } of [queued, finished]) db.prepare('INSERT INTO specs VALUES (?, ?)').run(id, JSON.stringify(spec));
    db.close();
    const store = open();
    expect(await store.usage('')).toEqual({ queued: 1, running: 0, bytes: 10 });
    expect(await store.insert(newJob({ idempotency: { key: 'k', fingerprint: '' } }))).toEqual({ kind: 'conflict' });
    expect((await claimFrom(store)).job).toMatchObject({ id: queued.id, owner: '' });
  });

  it('leaves nothing of a change that failed half-way', async () => {
    const before = open();
    const ids = [newJob(), newJob()];
    for (const job of ids) await before.insert(job);
    await claimFrom(before);
    await claimFrom(before);
    await before.close();
    const store = open();
    const fail = (): never => {
      throw new Error('no words');
    };
    const failing = { ...RULES, retryLog: (job: JobRecord) => (job.id === ids[0]?.id ? lines(1) : fail()) };
    await expect(store.rescue(failing)).rejects.toThrow('no words');
    for (const { id } of ids) expect(await store.get(id)).toMatchObject({ status: 'running', logLines: 0 });
    expect((await store.rescue(RULES)).requeued).toEqual(ids.map(({ id }) => id));
  });

  it('gives the space of deleted jobs back', async () => {
    const store = open();
    await store.insert(newJob());
    const { job, lease } = await claimFrom(store);
    for (let batch = 0; batch < 40; batch += 1) await store.append(lease, [line('x'.repeat(500_000))]);
    await store.finish(lease, succeeded());
    await store.delete(job.id);
    await store.close();
    expect((await stat(path)).size).toBeLessThan(500_000);
  });

  it('finishes with the next deletion what a crash left of an earlier one', async () => {
    const store = open();
    const finished = async (count: number): Promise<string> => {
      await store.insert(newJob());
      const { job, lease } = await claimFrom(store);
      for (let batch = 0; batch < count; batch += 1) await store.append(lease, lines(1));
      await store.finish(lease, succeeded());
      return job.id;
    };
    const interrupted = store.delete(await finished(500));
    await store.close();
    await interrupted;
    const chunks = async (): Promise<unknown> => {
      const db = new DatabaseSync(path);
      const found = db.prepare('SELECT count(*) AS chunks FROM log_chunks').get();
      db.close();
      return found?.['chunks'];
    };
    expect(await chunks()).toBeGreaterThan(0);
    const next = open();
    await next.insert(newJob());
    const { job, lease } = await claimFrom(next);
    await next.finish(lease, succeeded({ log: lines(1) }));
    await next.delete(job.id);
    await next.close();
    expect(await chunks()).toBe(0);
  });
});

const UNSHARE = ['--user', '--map-root-user', '--mount'];
const canMount = spawnSync('unshare', [...UNSHARE, 'true']).status === 0;

// Needs user namespaces; where there are none this is reported as skipped, but CI must have them.
describe.skipIf(!canMount && process.env['CI'] === undefined)('sqlite on a full disk', () => {
  it('refuses what it can’t keep, keeps what it promised, and goes on when there is room', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'sqlite-full-'));
    await mkdir(join(dir, 'disk'));
    const path = join(dir, 'disk', 'jobs.sqlite');
    const text = `
      import { writeFileSync } from 'node:fs';
      writeFileSync(path + '.ballast', Buffer.alloc(1024 * 1024));
      let store = createSqliteStore({ path, sync: 'normal' });
      await store.insert(kit.newJob());
      const { job, lease } = await store.claim({ worker: 'w', leaseMs: 60_000, runtimes: [kit.RUNTIME], signal: AbortSignal.abort() });
      const failure = async (work) => {
        for (let tries = 0; tries < 10_000; tries += 1) try { await work() } catch (error) { return [error.name, error.kind ?? error.remedy] }
      };
      let kept = 0;
      const append = async () => { await store.append(lease, [kit.line('x'.repeat(20_000))]); kept += 1 };
      say(await failure(append));
      say(await failure(() => store.check()));
      say((await store.read(job.id, 0, 1000)).length === kept && (await store.get(job.id)).logLines === kept && kept > 10);
      rmSync(path + '.ballast');
      await append();
      await store.check();
      say((await store.read(job.id, 0, 1000)).length === kept);
    `;
    const mount = 'mount -t tmpfs -o size=4m tmpfs "$0" && exec "$@"';
    const child = spawnSync('unshare', [...UNSHARE, 'sh', '-c', mount, join(dir, 'disk'), process.execPath, ...program(text, path)], {
      encoding: 'utf8',
      timeout: 30_000,
    });
    await rm(dir, { recursive: true, force: true });
    const said = child.stdout.trim().split('\n');
    expect({ said, stderr: child.stderr }).toEqual({
      said: ['["StoreError","full"]', `["StartError","free some space in ${join(dir, 'disk')}"]`, 'true', 'true'],
      stderr: '',
    });
  });
});
