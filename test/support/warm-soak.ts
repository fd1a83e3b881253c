import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createBubblewrap } from '../../src/sandbox/bubblewrap.ts';
import { SandboxLost, type RunSpec } from '../../src/sandbox/sandbox.ts';
import { leftovers, openDescriptors, type Leftovers } from './leftovers.ts';
import { untilWarm } from './start-path.ts';
import { systemPython } from './system-python.ts';

export interface SoakPlan {
  /** At least; more where the kills take longer. */
  jobs: number;
  /** So many times meanwhile, a process of the fork servers' is killed at a random moment. */
  kills: number;
  seed: number;
  atOnce: number;
}

export interface SoakResult {
  /** Jobs whose output, exit or file was not exactly what it should have been. */
  wrong: string[];
  starts: { warm: number; cold: number; again: number };
  kills: number;
  serversUsed: number;
  /** When all is quiet again, and when the driver is closed. */
  idle: { before: Leftovers; after: Leftovers };
  closed: Leftovers;
  /** Of this process before and after; of the fork server, when it had done a quarter of the jobs and its last. */
  descriptors: { before: number; after: number; serverEarly: number; serverLate: number };
  /** What this process holds of the machine's and, where it can collect garbage at will (`--expose-gc`), what it has in use. */
  memory: {
    earlyBytes: number;
    lateBytes: number;
    usedEarlyBytes: number;
    usedLateBytes: number;
    serverEarlyBytes: number;
    serverLateBytes: number;
  };
  elapsedMs: number;
}

const MIB = 1024 * 1024;
const FIRST_UID = 7_000_000;
const LONGEST_LIFE_MS = 1500;

/** Mulberry32: random enough, and the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const children = (pid: number): number[] => {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
};
const isServing = (pid: number): boolean => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('sandbox-launch.pl\0serve');
  } catch {
    return false;
  }
};

/** launcher → bubblewrap → fork server → maker of inits: whichever dies, all of them do. */
const serverFamilies = (): number[][] =>
  children(process.pid)
    .filter(isServing)
    .map((launcher) => {
      const [bubblewrap = 0] = children(launcher);
      const [server = 0] = children(bubblewrap);
      const [maker = 0] = children(server);
      return [server, launcher, bubblewrap, maker];
    });

const memoryOf = (pid: number): number => {
  try {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
};

/** Runs so many small jobs on warm starts, and looks at what is left of them. */
export async function soak({ jobs, kills, seed, atOnce }: SoakPlan, tell: (line: string) => void = () => undefined): Promise<SoakResult> {
  const instance = `soak-${process.pid}`;
  const interpreter = await systemPython();
  const home = await mkdtemp(join(tmpdir(), 'warm-soak-'));
  const random = randomFrom(seed);
  const descriptorsBefore = openDescriptors('self');
  const sandbox = createBubblewrap({
    instance,
    firstUid: FIRST_UID,
    ready: 1,
    interpreter: () => interpreter,
    warm: {
      // Recycled now and then, as in life.
      rules: { min: 2, max: 4, recycleJobs: kills > 0 ? 50 : 1000, recycleMs: 3_600_000, waitMs: 100 },
      events: { trouble: (what, error) => tell(`${what}: ${String(error)}`) },
    },
  });
  await sandbox.check();
  sandbox.anticipate(interpreter);
  await untilWarm(sandbox, interpreter);

  const begun = performance.now();
  const wrong: string[] = [];
  const starts = { warm: 0, cold: 0, again: 0 };
  const seen = new Set<number>();
  const before = await quiet(instance);
  let early = figures();
  let done = 0;
  let killed = 0;

  async function job(number: number): Promise<void> {
    const folder = join(home, String(number));
    for (const name of ['code', 'input']) await mkdir(join(folder, name), { recursive: true });
    await writeFile(
      join(folder, 'code/main.py'),
      `import os, sys\nopen(os.environ["JOB_OUTPUT_DIR"] + "/n", "w").write("${number}")\nprint(sys.stdin.read(), ${number})\nsys.exit(${number % 7})\n`,
    );
    const run: RunSpec = {
      jobId: String(number),
      interpreter,
      codeDir: join(folder, 'code'),
      inputDir: join(folder, 'input'),
      entry: 'main.py',
      args: [],
      env: {},
      stdin: `job ${number}`,
      limits: { timeoutMs: 60_000, cpus: 1, memoryBytes: 256 * MIB, pids: 32, diskBytes: MIB, outputBytes: MIB },
      splitOutput: number % 2 === 0,
      workspace: 'read_only',
    };
    const once = async (spec: RunSpec): Promise<string> => {
      const running = await sandbox.start(spec, new AbortController().signal);
      starts[running.path] += 1;
      try {
        let said = '';
        for await (const { bytes } of running.output) said += bytes.toString();
        const { exit } = await running.ended;
        const files: string[] = [];
        for await (const file of running.collect({ maxFiles: 10, maxDepth: 2, maxBytes: MIB, maxMs: 10_000 }, () => undefined))
          files.push(file.name);
        return JSON.stringify([said, exit, files]);
      } finally {
        await running.dispose();
      }
    };
    // As an attempt does it (worker/attempt.ts): what was lost with its server starts once more, cold.
    const result = await once(run).catch((error: unknown) => {
      if (!(error instanceof SandboxLost)) throw error;
      starts.again += 1;
      return once({ ...run, coldStart: true });
    });
    const expected = JSON.stringify([`job ${number} ${number}\n`, { kind: 'exited', code: number % 7 }, ['n']]);
    if (result !== expected) wrong.push(`${number}: ${result}`);
    await rm(folder, { recursive: true });
    done += 1;
    if (done === Math.ceil(jobs / 4)) early = figures();
    if (done % 500 === 0) tell(`${done} jobs`);
  }

  let next = 0;
  const work = Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < jobs || killed < kills) {
        const number = next++;
        await job(number).catch((error: unknown) => wrong.push(`${number}: ${String(error)}`));
        for (const [server = 0] of serverFamilies()) seen.add(server);
      }
    }),
  );
  // Most while it starts, some when it has served a while.
  while (killed < kills) {
    await delay(random() ** 3 * LONGEST_LIFE_MS);
    // Of the newest, which may be no more than a launcher yet.
    const family = (serverFamilies().at(-1) ?? []).filter((pid) => pid !== 0);
    const pick = family[Math.floor(random() * family.length)];
    if (pick === undefined) continue;
    try {
      process.kill(pick, 'SIGKILL');
    } catch {
      continue; // It has just ended with another one.
    }
    killed += 1;
    if (killed % 50 === 0) tell(`${killed} kills`);
  }
  await work;
  const elapsedMs = performance.now() - begun;
  // A server that was killed ten times in a row is tried again after a minute.
  await untilWarm(sandbox, interpreter, 120_000);
  // Before the count, which reads much.
  const late = figures();
  const after = await quiet(instance);
  await sandbox.close();
  await rm(home, { recursive: true });
  return {
    wrong,
    starts,
    kills: killed,
    serversUsed: seen.size,
    idle: { before, after },
    closed: await leftovers(instance, FIRST_UID),
    descriptors: {
      before: descriptorsBefore,
      after: openDescriptors('self'),
      serverEarly: early.serverDescriptors,
      serverLate: late.serverDescriptors,
    },
    memory: {
      earlyBytes: early.bytes,
      lateBytes: late.bytes,
      usedEarlyBytes: early.usedBytes,
      usedLateBytes: late.usedBytes,
      serverEarlyBytes: early.serverBytes,
      serverLateBytes: late.serverBytes,
    },
    elapsedMs,
  };
}

interface Figures {
  bytes: number;
  usedBytes: number;
  serverBytes: number;
  serverDescriptors: number;
}

function figures(): Figures {
  const [server = 0] = serverFamilies().at(-1) ?? [];
  globalThis.gc?.();
  return {
    bytes: memoryOf(process.pid),
    usedBytes: process.memoryUsage().heapUsed,
    serverBytes: memoryOf(server),
    serverDescriptors: openDescriptors(server),
  };
}

/** What is there when no job runs and the pool is as full as it is to be: asked until it stays the same. */
async function quiet(instance: string): Promise<Leftovers> {
  let last = '';
  for (let same = 0; same < 5;) {
    const now = JSON.stringify(await leftovers(instance, FIRST_UID));
    same = now === last ? same + 1 : 0;
    last = now;
    await delay(100);
  }
  return JSON.parse(last) as Leftovers;
}
