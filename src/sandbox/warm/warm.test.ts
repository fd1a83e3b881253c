import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { untilWarm } from '../../../test/support/start-path.ts';
import { systemPython } from '../../../test/support/system-python.ts';
import { createBubblewrap } from '../bubblewrap.ts';
import { openRuns, type RunOptions, type RunResult, type Runs, type SandboxUnderTest } from '../contract/runs.contract.ts';
import { SandboxLost, type ColdReason, type Sandbox, type StartPath } from '../sandbox.ts';
import type { PoolRules } from './pool.ts';

const MIB = 1024 * 1024;
const RULES: PoolRules = { min: 2, max: 4, recycleJobs: 1000, recycleMs: 3_600_000, waitMs: 20_000 };
const ANY: StartPath[] = ['warm', 'cold'];

/** Processes of this host with the ids that they have in each process namespace, this one's first. */
function namespacedIds(): number[][] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = /^NSpid:\t(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
        return line === undefined ? [] : [line.split('\t').map(Number)];
      } catch {
        return [];
      }
    });
}

const ancestors = (pid: number): number[] => {
  const found: number[] = [];
  for (let each = pid; each > 1;) {
    found.push(each);
    const stat = readFileSync(`/proc/${each}/stat`, 'latin1');
    each = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  }
  return found;
};

const isOurs = (pid: number): boolean => {
  try {
    return ancestors(pid).includes(process.pid);
  } catch {
    return false;
  }
};

/** Ours that lie so deep in process namespaces, and have this number in the innermost. */
const ours = (depth: number, number: number): number[] =>
  namespacedIds().flatMap(([pid = 0, ...inside]) => (inside.length === depth && inside.at(-1) === number && isOurs(pid) ? [pid] : []));
const servers = (): number[] => ours(1, 1);
/** What makes first processes: named as these are, and itself in the server's namespace. */
const makers = (): number[] =>
  namespacedIds().flatMap(([pid = 0, ...inside]) =>
    inside.length === 1 && isOurs(pid) && readFileSync(`/proc/${pid}/comm`, 'utf8') === 'init\n' ? [pid] : [],
  );
const waitingJobs = (): number[] => ours(2, 2);

interface Opened {
  sandbox: Sandbox;
  runs: Runs;
  troubles: string[];
  /** The next programs may be started in one of these ways. */
  allow(paths: StartPath[]): void;
  close(): Promise<void>;
}

async function open(name: string, rules: Partial<PoolRules> = {}): Promise<Opened> {
  const interpreter = await systemPython();
  const troubles: string[] = [];
  const sandbox = createBubblewrap({
    instance: `warm-${name}-${process.pid}`,
    firstUid: 254_321,
    ready: 1,
    interpreter: () => interpreter,
    warm: { rules: { ...RULES, ...rules }, events: { trouble: (what) => troubles.push(what) } },
  });
  await sandbox.check();
  sandbox.anticipate(interpreter);
  await untilWarm(sandbox, interpreter);
  let allowed: StartPath[] = ['warm'];
  const seen: SandboxUnderTest = {
    // Looked at here, for there may be more than one right way.
    sandbox: {
      ...sandbox,
      async start(run, signal) {
        const running = await sandbox.start(run, signal);
        expect(allowed).toContain(running.path);
        return { ...running, path: 'cold' };
      },
    },
    interpreter,
    close: async () => undefined,
  };
  const runs = await openRuns(seen);
  return {
    sandbox,
    runs,
    troubles,
    allow: (paths) => (allowed = paths),
    async close() {
      await runs.close();
      await sandbox.close();
    },
  };
}

describe('which way a program starts', () => {
  let opened: Opened;
  beforeAll(async () => (opened = await open('paths')));
  afterAll(() => opened.close());

  const classes: [what: string, way: 'warm' | ColdReason, options: RunOptions][] = [
    ['a plain program', 'warm', {}],
    ['arguments', 'warm', { args: ['--flag', 'a b'] }],
    ['standard input', 'warm', { stdin: 'text' }],
    ['variables of its own', 'warm', { env: { MINE: '1', TZ: 'UTC', PATH: '/nowhere' } }],
    ['streams told apart', 'warm', { splitOutput: true }],
    ['a writable workspace', 'warm', { workspace: 'writable' }],
    ['an entry in a folder', 'warm', { entry: 'src/deep/main.py' }],
    ['modules and packages of its own', 'warm', { files: { 'helper.py': '', 'package/__init__.py': '', 'data.json': '{}' } }],
    ['a folder without modules by a library’s name', 'warm', { files: { 'json/table.csv': '' } }],
    ['inputs', 'warm', { inputs: { 'in.csv': 'a' } }],
    ['files too large to be copied', 'warm', { inputs: { big: 'x'.repeat(MIB) }, files: { big: 'x'.repeat(MIB) } }],
    [
      'limits other than the usual',
      'warm',
      { limits: { cpus: 0.5, memoryBytes: 128 * MIB, pids: 10, diskBytes: 8 * MIB, outputBytes: MIB, timeoutMs: 9000 } },
    ],
    ['a large share of the machine', 'warm', { limits: { cpus: 2, memoryBytes: 4096 * MIB, pids: 1000, diskBytes: 1024 * MIB } }],
    ['an option for the interpreter', 'environment', { env: { PYTHONHASHSEED: '1' } }],
    ['an option for the loader', 'environment', { env: { LD_PRELOAD: '' } }],
    ['a home of its own', 'environment', { env: { HOME: '/workspace/code' } }],
    ['an option for a package', 'environment', { env: { OMP_NUM_THREADS: '2' } }],
    ['an entry that is no .py file', 'entry', { entry: 'program' }],
    ['an entry that looks like an option', 'entry', { entry: '-c.py' }],
    ['a module by the name of a library’s', 'shadows', { files: { 'random.py': 'x = 1' } }],
    ['a package by the name of a library’s', 'shadows', { files: { 'textwrap/__init__.py': '' } }],
    ['a package by the name of a library’s that it doesn’t mention', 'warm', { files: { 'logging/__init__.py': '' } }],
    ['a compiled module by the name of a library’s', 'shadows', { files: { 'math.cpython-311-x86_64-linux-gnu.so': '' } }],
    ['an entry by the name of a library', 'shadows', { entry: 'csv.py' }],
  ];

  it.each(classes)('%s: %s', async (_, way, options) => {
    opened.allow([way === 'warm' ? 'warm' : 'cold']);
    const { running } = await opened.runs.begin('print("ran")', options);
    expect(running.coldBecause).toBe(way === 'warm' ? undefined : way);
    let said = '';
    for await (const { bytes } of running.output) said += bytes.toString();
    expect((await running.ended).exit).toEqual({ kind: 'exited', code: 0 });
    await running.dispose();
    expect(said.replace(/^ERROR: ld.so.*\n/gm, '')).toBe('ran\n');
  });

  it('a program finds a module of its own where a library has the same name', async () => {
    opened.allow(['cold']);
    expect((await opened.runs.run('import random; print(random.x)', { files: { 'random.py': 'x = 1' } })).output).toBe('1\n');
  });
});

describe('what jobs of one server have of their own', () => {
  let opened: Opened;
  beforeAll(async () => (opened = await open('own')));
  afterAll(() => opened.close());

  it('random numbers, names and keys', async () => {
    const program = `import multiprocessing, os, random, secrets, ssl, tempfile, uuid
print(random.random(), random.SystemRandom().random(), secrets.token_hex(), uuid.uuid4(), uuid.uuid1(), os.urandom(8), ssl.RAND_bytes(8),
  multiprocessing.current_process().authkey.hex(), tempfile.mktemp(), sep="\\n")`;
    const [one, other] = await Promise.all([opened.runs.run(program), opened.runs.run(program)]);
    const lines = one.output.trim().split('\n');
    expect(lines).toHaveLength(9);
    expect(lines.filter((line) => other.output.includes(line))).toEqual([]);
  });

  it('not the order of sets and the layout of memory, as docs/warm-starts.md says', async () => {
    const program = 'print(hash("a"), id(object))';
    expect((await opened.runs.run(program)).output).toBe((await opened.runs.run(program)).output);
  });

  it('a standard input whose flags are nobody else’s', async () => {
    const { running } = await opened.runs.begin('import os, time; os.set_blocking(0, False); print("set", flush=True); time.sleep(60)');
    const said = running.output[Symbol.asyncIterator]();
    await said.next();
    expect((await opened.runs.run('import os; print(os.get_blocking(0))')).output).toBe('True\n');
    await running.dispose();
  });

  it('memory, folders and descriptors without a trace of another job', async () => {
    const secret = `secret-${Math.random()}`;
    const { running } = await opened.runs.begin(
      'import sys, time; open("/tmp/f", "w").write(sys.stdin.read()); print("up", flush=True); time.sleep(60)',
      { stdin: secret, env: { MINE: secret }, args: [secret], inputs: { secret } },
    );
    await running.output[Symbol.asyncIterator]().next();
    // A pattern that does not hold the words itself.
    const scan = `import os, re
codes = ${JSON.stringify([...Buffer.from(secret)])}
pattern = re.compile(b"".join(b"[%c]" % code for code in codes))
def found():
    count = 0
    with open("/proc/self/mem", "rb", 0) as memory, open("/proc/self/maps") as maps:
        for line in maps.read().splitlines():
            start, end = (int(part, 16) for part in line.split()[0].split("-"))
            try: count += memory.seek(start) and sum(1 for _ in pattern.finditer(memory.read(end - start)))
            except (OSError, ValueError, OverflowError): pass
    return count
print(found(), os.listdir("/jobs"), os.listdir("/opt/agent"), os.listdir("/tmp"))
own = bytes(codes)
print(found() > 0)`;
    const result = await opened.runs.run(scan);
    await running.dispose();
    expect(result.output).toBe('0 [] [] []\nTrue\n');
  });

  it('the CPU time of daemons that ended before it', async () => {
    const { usage } = await opened.runs.run(`import os, time
if os.fork() == 0:
    if os.fork() == 0:
        end = time.process_time() + 0.3
        while time.process_time() < end: pass
    os._exit(0)
os.wait()
while [p for p in os.listdir("/proc") if p.isdigit() and p not in ("1", str(os.getpid()))]: time.sleep(0.01)`);
    expect(usage.cpuMs).toBeGreaterThan(250);
  });
});

describe('when something dies', () => {
  it('a sandbox that was ready: the next program gets another', async () => {
    const READY = 2;
    const opened = await open('ready', { min: READY, max: READY });
    try {
      opened.allow(ANY);
      for (let round = 0; round < 3; round++) {
        for (const pid of waitingJobs()) process.kill(pid, 'SIGKILL');
        // Where their deaths have not been heard of yet, the start of a job is what finds each out.
        const onceMore = (tries: number) => (error: unknown) => {
          expect(error).toBeInstanceOf(SandboxLost);
          expect(tries).toBeGreaterThan(0);
          return run(tries - 1);
        };
        const run = (tries: number): Promise<RunResult> => opened.runs.run('print("ran")').catch(onceMore(tries));
        const result = await run(READY);
        expect([result.output, result.exit]).toEqual(['ran\n', { kind: 'exited', code: 0 }]);
      }
    } finally {
      await opened.close();
    }
  });

  it('the fork server, while it was to end a program: that ended as it was told to', async () => {
    const opened = await open('ending');
    try {
      const abort = new AbortController();
      const { running } = await opened.runs.begin('import time; print("up", flush=True); time.sleep(60)', { signal: abort.signal });
      await running.output[Symbol.asyncIterator]().next();
      for (const pid of servers()) process.kill(pid, 'SIGSTOP');
      abort.abort();
      for (const pid of servers()) process.kill(pid, 'SIGKILL');
      expect((await running.ended).exit).toEqual({ kind: 'aborted' });
      await running.dispose();
    } finally {
      await opened.close();
    }
  });

  it('a program, slowly, for it has many processes and little of the machine: nothing else ends with it, and it ends as what it did', async () => {
    const opened = await open('slowly');
    try {
      const beside = await opened.runs.begin('import time; print("up", flush=True); time.sleep(60)');
      await beside.running.output[Symbol.asyncIterator]().next();
      const forking = 'import os, time\nfor _ in range(900):\n    if os.fork() == 0: time.sleep(600)\ntime.sleep(600)';
      const slow = opened.runs.run(forking, { limits: { cpus: 0.03, pids: 1000, timeoutMs: 15_000, memoryBytes: 1024 * MIB } });
      expect((await slow).exit).toEqual({ kind: 'timeout' });
      expect(await Promise.race([beside.running.ended, Promise.resolve('runs')])).toBe('runs');
      await beside.running.dispose();
      expect(opened.troubles).toEqual([]);
    } finally {
      await opened.close();
    }
  });

  it('nothing, when no process more can be made: what runs goes on, and the next one starts cold', async () => {
    const opened = await open('no-more');
    try {
      const { running } = await opened.runs.begin('import time; print("up", flush=True); time.sleep(60)');
      const output = running.output[Symbol.asyncIterator]();
      await output.next();
      for (const pid of makers()) execFileSync('prlimit', ['--pid', String(pid), '--nproc=0:0']);
      opened.allow(ANY);
      while (opened.troubles.length === 0) await opened.runs.run('print("ran")');
      expect(await Promise.race([running.ended, Promise.resolve('runs')])).toBe('runs');
      await running.dispose();
    } finally {
      await opened.close();
    }
  });

  it('the fork server: a running program is lost, to be started again; the next ones start cold, then warm', async () => {
    const opened = await open('server');
    try {
      const { running } = await opened.runs.begin('import time; print("up", flush=True); time.sleep(60)');
      await running.output[Symbol.asyncIterator]().next();
      const before = servers();
      for (const pid of before) process.kill(pid, 'SIGKILL');
      await expect(running.ended).rejects.toThrow(SandboxLost);
      await running.dispose();
      opened.allow(ANY);
      expect((await opened.runs.run('print("ran")')).output).toBe('ran\n');
      await untilWarm(opened.sandbox, await systemPython());
      expect(servers().filter((pid) => before.includes(pid))).toEqual([]);
      expect(opened.troubles).toContain('the fork server ended; jobs start cold until there is a new one');
    } finally {
      await opened.close();
    }
    expect([...servers(), ...waitingJobs()]).toEqual([]);
  });
});

describe('recycling', () => {
  it('replaces the server after so many jobs, and every job starts warm', async () => {
    const opened = await open('recycled', { min: 1, max: 2, recycleJobs: 3 });
    const seen = new Set<number>();
    try {
      for (let job = 0; job < 15; job++) {
        expect((await opened.runs.run('print("ran")')).output).toBe('ran\n');
        for (const pid of servers()) seen.add(pid);
      }
      expect(seen.size).toBeGreaterThan(1);
      expect(opened.troubles).toEqual([]);
    } finally {
      await opened.close();
    }
    expect(servers()).toEqual([]);
  });
});
