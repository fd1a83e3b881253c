import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { discoverHost } from '../src/sandbox/bubblewrap-host.ts';
import { openCgroups } from '../src/sandbox/cgroup.ts';
import type { HostRun } from '../src/sandbox/host-run.ts';
import { serverArgs, serveSteps } from '../src/sandbox/warm/plan.ts';
import { parseSections } from '../src/sandbox/warm/sections.ts';
import { startForkServer, type ForkServer } from '../src/sandbox/warm/server.ts';
import { makeSlot, type SlotParts } from '../src/sandbox/warm/slot.ts';
import { systemPython } from '../test/support/system-python.ts';
import { median } from './figures.ts';

/**
 * `node bench/warm-steps.ts [JOBS]`: where a warm start's time goes, step by step, in microseconds (medians): the table of
 * docs/warm-starts.md. Without http, store and worker; the bench measures those along with it.
 */

const jobs = Number(process.argv[2] ?? 200);
const MIB = 1024 * 1024;
const FIRST_UID = 8_000_000;
const limits = { timeoutMs: 60_000, cpus: 1, memoryBytes: 512 * MIB, pids: 128, diskBytes: 256 * MIB, outputBytes: 64 * MIB };

const steps = new Map<string, number[]>();
const note = (step: string, ms: number): void => void steps.set(step, [...(steps.get(step) ?? []), ms * 1000]);
/** Node's clock and the program's are the same: CLOCK_MONOTONIC. */
const now = (): number => Number(process.hrtime.bigint()) / 1e6;
async function timed<T>(step: string, work: () => Promise<T>): Promise<T> {
  const begun = now();
  const result = await work();
  note(step, now() - begun);
  return result;
}

const interpreter = await systemPython();
const host = await discoverHost(`steps-${process.pid}`);
const cgroups = await openCgroups(`steps-${process.pid}`).catch(() => undefined);
const users = { first: FIRST_UID, count: 1000, server: FIRST_UID + 1000 };
const [first] = parseSections(await readFile(join(import.meta.dirname, '../runtimes/python/imports.txt'), 'utf8'));
const argsFile = join(host.workDir, 'server');
await writeFile(argsFile, `${serverArgs(host, interpreter).join('\0')}\0`, { mode: 0o644 });
const server = await startForkServer(host.perl, serveSteps(host, users, interpreter, first?.names ?? [], argsFile), 60_000);
const watched: ForkServer = {
  ...server,
  mount: (mounts) => timed(mounts[0]?.[0] === 'unmount' ? 'free: unmounted' : 'ahead: mounts made', () => server.mount(mounts)),
  async fork(slot, uid, attach) {
    const begun = now();
    let attached = begun;
    const forked = await server.fork(slot, uid, async (pid) => {
      note('ahead: forked, into namespaces of its init', now() - begun);
      await timed('ahead: put into its cgroups', () => attach(pid));
      attached = now();
    });
    note('ahead: isolated, without rights, rehearsed', now() - attached);
    return forked;
  },
};
let uid = FIRST_UID;
const parts: SlotParts = { host, cgroups, users, limits, takeUid: () => uid++, freeUid: () => (uid = FIRST_UID) };

const program = `import time
print(time.clock_gettime_ns(time.CLOCK_MONOTONIC) / 1e6)
`;
for (const name of ['code', 'input']) await mkdir(join(host.workDir, name));
await writeFile(join(host.workDir, 'code/main.py'), program);
const run: HostRun = {
  jobId: 'steps',
  interpreter,
  codeDir: join(host.workDir, 'code'),
  inputDir: join(host.workDir, 'input'),
  entry: 'main.py',
  args: [],
  env: {},
  stdin: '',
  limits,
  splitOutput: false,
  workspace: 'read_only',
};

for (let job = 0; job < jobs; job++) {
  const slot = await makeSlot(parts, watched, interpreter);
  const begun = now();
  const launched = await slot.start(run);
  const sent = now();
  const first = Promise.withResolvers<number>();
  let said = '';
  launched.stdout.on('data', (part: Buffer) => {
    first.resolve(now());
    said += part.toString();
  });
  launched.stderr.resume();
  const over = new Promise<number>((resolve) => launched.stdout.once('close', () => resolve(now())));
  const [ended, closed, read] = await Promise.all([launched.ended.then(now), over, first.promise]);
  const running = Number(said);
  note('job: files copied, its words sent', sent - begun);
  note('job: its first line runs', running - sent);
  note('job: its first output has been read', read - running);
  note('job: its output has ended', closed - read);
  note('job: nothing of it lives, and that is known', Math.max(0, ended - closed));
  note('job: in all', Math.max(ended, closed) - begun);
  await timed('free: init ended, all given back', () => slot.free());
}
await server.kill();
await cgroups?.close();
await rm(host.workDir, { recursive: true });

process.stdout.write('| step | µs, median |\n|---|--:|\n');
const order = ['job', 'ahead', 'free'];
const sorted = [...steps].toSorted(([a], [b]) => order.indexOf(a.split(':')[0] ?? '') - order.indexOf(b.split(':')[0] ?? ''));
for (const [step, times] of sorted) process.stdout.write(`| ${step} | ${median(times).toFixed(0)} |\n`);
