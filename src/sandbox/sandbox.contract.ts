import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRuns, text, type Runs, type SandboxUnderTest } from './contract/runs.contract.ts';
import { NetworkUnavailable, type Guarantees, type Outbound } from './sandbox.ts';

const MIB = 1024 * 1024;

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** Processes on this host whose command line holds `marker`. */
async function processesWith(marker: string): Promise<string[]> {
  const { readdir } = await import('node:fs/promises');
  const found: string[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const line = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
    if (line.includes(marker)) found.push(`${pid} ${line}`);
  }
  return found;
}

/** What every sandbox driver promises. A guarantee that a driver does not give is listed by `check`, and its absence shows in `/readyz`. */
export function sandboxContract(name: string, open: () => Promise<SandboxUnderTest>): void {
  describe(`sandbox ${name}`, () => {
    let under: SandboxUnderTest;
    let guarantees: Guarantees;
    let outbound: Outbound;
    let home: string;
    let begin: Runs['begin'];
    let run: Runs['run'];
    let close: Runs['close'];

    beforeAll(async () => {
      under = await open();
      ({ home, begin, run, close } = await openRuns(under));
      ({ guarantees, outbound } = await under.sandbox.check());
    });
    afterAll(async () => {
      await under.sandbox.close();
      await under.close();
      await close();
    });

    const exited = (code: number) => ({ kind: 'exited', code });

    describe('running a program', () => {
      it('runs the entry with its arguments in the code folder, where its siblings can be imported', async () => {
        const result = await run('import sys, os, pkg.mod\nprint(sys.argv, os.listdir("."), pkg.mod.X)', {
          args: ['--foo', 'b a r', ''],
          files: { 'pkg/mod.py': 'X = 42', 'pkg/__init__.py': '' },
        });
        expect(result.output).toMatch(/^\['main.py', '--foo', 'b a r', ''\] \['(pkg', 'main.py|main.py', 'pkg)'\] 42\n$/);
        expect(result.exit).toEqual(exited(0));
      });

      it('gives inputs to read, an output folder to write, and hands out what was left there', async () => {
        const result = await run(
          `import os
data = open(os.path.join(os.environ["JOB_INPUT_DIR"], "sub", "in.csv")).read()
out = os.environ["JOB_OUTPUT_DIR"]
os.makedirs(out + "/deep/er")
open(out + "/deep/er/é #?.txt", "w").write(data.upper())`,
          { inputs: { 'sub/in.csv': 'a,b\n' } },
        );
        expect(result.output).toBe('');
        expect(result.files).toEqual({ 'deep/er/é #?.txt': 'A,B\n' });
      });

      it('sets the environment that was asked for, and nothing of the host’s', async () => {
        process.env['SECRET_OF_THE_HOST'] = 'leaked';
        const result = await run('import os; print("\\n".join(f"{k}={v}" for k, v in os.environ.items()))', {
          env: { MINE: 'a=b\nc', PYTHONHASHSEED: '7', PATH: '/nowhere' },
        });
        delete process.env['SECRET_OF_THE_HOST'];
        expect(result.output).toContain('MINE=a=b\nc\n');
        expect(result.output).toContain('PATH=/nowhere\n');
        expect(result.output).not.toMatch(/leaked|SECRET_OF_THE_HOST/);
      });

      it('has matplotlib draw with our backend, unless the job names one', async () => {
        const program =
          'import os, importlib.util as i; print(os.environ["MPLBACKEND"], bool(i.find_spec("job_runner_plots")), os.environ.get("PYTHONPATH", "")[:5])';
        expect((await run(program, { env: { PYTHONPATH: '/own' } })).output).toBe('module://job_runner_plots True /own:\n');
        expect((await run(program, { env: { MPLBACKEND: 'Agg' } })).output).toBe('Agg False \n');
      });

      it('lets the job’s words take effect in the program only', async () => {
        const result = await run('print("ran")', {
          env: {
            LD_PRELOAD: '/workspace/code/evil.so',
            PERL5OPT: '-Mevil',
            PERL5LIB: '/workspace/code',
            BASH_ENV: '/workspace/code/evil.sh',
            DOCKER_HOST: 'tcp://127.0.0.1:1',
          },
          files: { 'evil.pm': 'die "in the launcher"', 'evil.sh': 'echo in the launcher' },
        });
        expect(result.output.replace(/^ERROR: ld.so: .*\n/gm, '')).toBe('ran\n');
        expect(result.exit).toEqual(exited(0));
      });

      it('takes an entry that starts with a dash for a file', async () => {
        expect((await run('print("I am a file")', { entry: '-c' })).output).toBe('I am a file\n');
      });

      it('reads nothing on stdin, or what was given', async () => {
        expect((await run('import sys; print(repr(sys.stdin.read()))')).output).toBe("''\n");
        expect((await run('import sys; print(sys.stdin.read(), open("/dev/stdin").read())', { stdin: 'hé\n' })).output).toContain('hé\n');
      });

      it('keeps stdout and stderr in their exact order on one pipe', async () => {
        const result = await run(
          'import sys\nfor i in range(300):\n  print("o", i, flush=True)\n  print("e", i, file=sys.stderr, flush=True)',
        );
        expect(result.output).toBe(Array.from({ length: 300 }, (_, i) => `o ${i}\ne ${i}\n`).join(''));
      });

      it('tells stdout and stderr apart when they are split', async () => {
        const result = await run('import sys; print("out"); print("err", file=sys.stderr)', { splitOutput: true });
        const of = (stream: string): string =>
          result.streams
            .filter((part) => part.stream === stream)
            .map((part) => part.text)
            .join('');
        expect(of('stdout')).toBe('out\n');
        expect(of('stderr')).toBe('err\n');
      });

      it('lets /dev/stdout and /dev/stderr be opened', async () => {
        const result = await run('open("/dev/stdout", "w").write("one\\n"); open("/dev/stderr", "w").write("two\\n")');
        expect(result.output).toBe('one\ntwo\n');
      });

      it('tells exit codes and signals apart', async () => {
        expect((await run('raise SystemExit(3)')).exit).toEqual(exited(3));
        expect((await run('raise SystemExit(139)')).exit).toEqual(exited(139));
        expect((await run('raise SystemExit(137)')).exit).toEqual(exited(137));
        expect((await run('import os; os.abort()')).exit).toEqual({ kind: 'signaled', signal: 'SIGABRT', number: 6 });
        expect((await run('import os; os.kill(os.getpid(), 15)')).exit).toEqual({ kind: 'signaled', signal: 'SIGTERM', number: 15 });
        expect((await run('import os; os.kill(os.getpid(), 9)')).exit).toEqual({ kind: 'signaled', signal: 'SIGKILL', number: 9 });
      });

      it('hands the program only the descriptors 0, 1 and 2', async () => {
        // The listing's own descriptor is closed again when fstat asks.
        const result = await run(`import os
def is_open(fd):
    try: os.fstat(fd)
    except OSError: return False
    return True
print([fd for fd in map(int, os.listdir("/proc/self/fd")) if is_open(fd)])`);
        expect(result.output).toBe('[0, 1, 2]\n');
      });

      it('measures time, CPU time and memory', async () => {
        const { usage } = await run(
          'import time\nx = bytearray(60_000_000)\nend = time.process_time() + 0.2\nwhile time.process_time() < end: pass\ntime.sleep(0.1)',
        );
        expect(usage.wallMs).toBeGreaterThan(280);
        expect(usage.cpuMs).toBeGreaterThan(150);
        expect(usage.cpuMs).toBeLessThan(usage.wallMs * 2);
        expect(usage.maxRssBytes).toBeGreaterThan(60_000_000);
      });

      it('makes the program wait when nobody reads its output', async () => {
        const { running } = await begin('import sys\nfor i in range(100): sys.stdout.write("x" * 100_000)', {
          limits: { outputBytes: 20 * MIB },
        });
        let bytes = 0;
        for await (const chunk of running.output) bytes += chunk.bytes.length;
        expect(bytes).toBe(10_000_000);
        await running.dispose();
      });
    });

    describe('ending a program', () => {
      const DAEMONS = `import os, signal, subprocess, sys, time
for s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(s, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while True: time.sleep(1)
    os._exit(0)
print("daemons are up", flush=True)
`;
      it('ends all of it when the time is over, and still hands out what was written', async () => {
        const marker = `marker-${Math.random()}`;
        const result = await run(`${DAEMONS}open(os.environ["JOB_OUTPUT_DIR"] + "/half", "w").write("half")\ntime.sleep(60)`, {
          args: [marker],
          limits: { timeoutMs: 700 },
        });
        expect(result.exit).toEqual({ kind: 'timeout' });
        expect(result.output).toBe('daemons are up\n');
        expect(result.files).toEqual({ half: 'half' });
        expect(await processesWith(marker)).toEqual([]);
      });

      it('ends what a program that is done has left running', async () => {
        const marker = `marker-${Math.random()}`;
        const result = await run(DAEMONS, { args: [marker] });
        expect(result.exit).toEqual(exited(0));
        expect(await processesWith(marker)).toEqual([]);
      });

      it('is not held up by a grandchild that keeps stdout open', async () => {
        const result = await run(
          'import subprocess, sys\nsubprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])\nprint("done")',
        );
        expect(result.output).toBe('done\n');
        expect(result.exit).toEqual(exited(0));
        expect(result.usage.wallMs).toBeLessThan(15_000);
      });

      it('ends all of it when the signal aborts', async () => {
        const marker = `marker-${Math.random()}`;
        const abort = new AbortController();
        const result = await run(`${DAEMONS}time.sleep(60)`, { args: [marker], signal: abort.signal, onOutput: () => abort.abort() });
        expect(result.exit).toEqual({ kind: 'aborted' });
        expect(await processesWith(marker)).toEqual([]);
      });

      it('starts nothing that outlives an already aborted signal', async () => {
        expect((await run('import time; time.sleep(60)', { signal: AbortSignal.abort() })).exit).toEqual({ kind: 'aborted' });
      });

      it('ends a program that says too much, and hands out exactly as much as allowed', async () => {
        const result = await run('while True: print("x" * 1000)', { limits: { outputBytes: 100_000 } });
        expect(result.exit).toEqual({ kind: 'output_limit' });
        expect(result.output).toHaveLength(100_000);
      });

      it('hands out all of an output that is exactly as long as allowed', async () => {
        const result = await run('import sys; sys.stdout.write("x" * 100_000)', { limits: { outputBytes: 100_000 } });
        expect(result.exit).toEqual(exited(0));
        expect(result.output).toHaveLength(100_000);
      });

      it('hands out all of an output that nobody read until the end', async () => {
        const { running } = await begin('print("one"); print("two")');
        try {
          await running.ended;
          const parts: Buffer[] = [];
          for await (const { bytes } of running.output) parts.push(Buffer.from(bytes));
          expect(Buffer.concat(parts).toString()).toBe('one\ntwo\n');
        } finally {
          await running.dispose();
        }
      });

      it('leaves no process of its own behind when it is disposed of while running', async () => {
        const marker = `marker-${Math.random()}`;
        const { running } = await begin(`${DAEMONS}time.sleep(60)`, { args: [marker] });
        await running.output[Symbol.asyncIterator]().next();
        await running.dispose();
        await running.dispose();
        expect(await processesWith(marker)).toEqual([]);
      });
    });

    describe('files', () => {
      it('collects regular files only, following nothing', async () => {
        const result = await run(`import os, socket
os.chdir(os.environ["JOB_OUTPUT_DIR"])
open("good", "w").write("good")
os.symlink("/etc/shadow", "link")
os.symlink("/etc", "folder-link")
os.mkfifo("fifo")
socket.socket(socket.AF_UNIX).bind("socket")
os.link("good", "hard") if False else None`);
        expect(result.files).toEqual({ good: 'good' });
        expect(result.leftOut.map((what) => what.name).toSorted()).toEqual(['fifo', 'folder-link', 'link', 'socket']);
      });

      it('collects what a writable workspace gained or changed, and leaves the upload as it was', async () => {
        const program = 'open("plot.png", "w").write("png"); open("data/old.txt", "a").write("+"); open("same.txt", "w").write("same")';
        const { running, run: spec } = await begin(program, {
          workspace: 'writable',
          files: { 'data/old.txt': 'old', 'same.txt': 'same', 'untouched.txt': 'x' },
        });
        let said = '';
        for await (const chunk of running.output) said += chunk.bytes.toString();
        expect(said).toBe('');
        const files: Record<string, string> = {};
        await running.ended;
        for await (const file of running.collect({ maxFiles: 100, maxDepth: 8, maxBytes: MIB, maxMs: 10_000 }, () => undefined))
          files[file.name] = await text(file.open());
        await running.dispose();
        expect(files).toEqual({ 'plot.png': 'png', 'data/old.txt': 'old+' });
        expect(await readFile(join(spec.codeDir, 'data/old.txt'), 'utf8')).toBe('old');
      });
    });

    it('holds the bounds of collecting over the output and a writable workspace together', async () => {
      const program =
        'import os\nfor i in range(3): open(f"{os.environ[\'JOB_OUTPUT_DIR\']}/o{i}", "w").close(); open(f"w{i}", "w").close()';
      const { running } = await begin(program, { workspace: 'writable' });
      for await (const _ of running.output) continue;
      await running.ended;
      const names: string[] = [];
      for await (const file of running.collect({ maxFiles: 4, maxDepth: 8, maxBytes: MIB, maxMs: 10_000 }, () => undefined))
        names.push(file.name);
      await running.dispose();
      expect(names).toHaveLength(4);
    });

    /** For a guarantee that the driver says it does not give, what is asserted is that it says so. */
    const guaranteed = (which: keyof Guarantees, title: string, body: () => Promise<void>): void => {
      it(title, async (context) => {
        if (!guarantees[which]) return context.skip(`${name} does not guarantee: ${which}`);
        await body();
      });
    };

    it('gives a run the network that it asks for, with nothing in reach that must not be, or refuses to run it and says why', async () => {
      // Nothing of this is let out of the machine.
      const program = `import socket
for host in ("203.0.113.9", "10.0.0.1", "169.254.169.254", "unlisted.example"):
    try: socket.create_connection((host, 80), 5)
    except OSError as error: print(type(error).__name__)
print([name for _, name in socket.if_nameindex()])`;
      if (outbound.possible) {
        const { output } = await run(program, { network: { allow: [] } });
        expect(output).toBe(`${'ConnectionRefusedError\n'.repeat(3)}gaierror\n['lo', 'tap0']\n`);
      } else {
        expect(outbound.reason).not.toBe('');
        expect(outbound.remedy).not.toBe('');
        for (const network of ['outbound', { allow: [] }] as const)
          await expect(begin(program, { network })).rejects.toBeInstanceOf(NetworkUnavailable);
      }
    });

    describe('isolation', () => {
      guaranteed('filesystem', 'shows the code folder by the name that a chat’s code interpreter has for it, too', async () => {
        const program = 'print(open("/mnt/data/in.txt").read()); open("/mnt/data/out.txt", "w").write("out")';
        const result = await run(program, { workspace: 'writable', files: { 'in.txt': 'in' } });
        expect(result.output).toBe('in\n');
        expect(result.files).toEqual({ 'out.txt': 'out' });
        const readOnly = await run(program, { files: { 'in.txt': 'in' } });
        expect(readOnly.output).toMatch(/^in\n[^]*(Read-only file system|Permission denied)/);
      });

      guaranteed(
        'filesystem',
        'shows nothing of the host but interpreter and libraries, and nothing writable but the job’s own places',
        async () => {
          const secret = join(home, 'secret');
          await writeFile(secret, 'secret', { mode: 0o666 });
          const result = await run(
            `import os, sys
for path in sys.argv[1:]:
    try: print(path, open(path).read()[:20])
    except OSError as e: print(path, type(e).__name__)
for path in ("/", "/usr", "/etc", "/workspace/code", "/workspace/input", "/dev", "/opt", "/proc/sys/kernel"):
    try: open(path + "/x", "w"); print("wrote", path)
    except OSError: pass
for path in ("/tmp", "/dev/shm", "/workspace/output", "/var/tmp"):
    open(path + "/x", "w").write("ok")
def names(path):
    try: return os.listdir(path)
    except OSError: return []
print("homes", names("/home"), names("/root"))`,
            { args: ['/etc/shadow', secret, '/root/.profile', '/proc/1/environ', '/proc/1/mem', '/proc/kallsyms'] },
          );
          expect(result.output).not.toContain('secret\n');
          expect(result.output).not.toContain('wrote');
          expect(result.output).toMatch(/\/etc\/shadow (FileNotFound|Permission)Error/);
          expect(result.output).toMatch(/\/proc\/1\/mem PermissionError/);
          expect(result.output).toContain('homes [] []\n');
        },
      );

      guaranteed('filesystem', 'lets nothing in the temporary places reach the next job', async () => {
        await run('for d in ("/tmp", "/dev/shm"): open(d + "/left", "w").write("x")');
        const result = await run('import os; print(os.listdir("/tmp"), os.listdir("/dev/shm"))');
        expect(result.output).toBe('[] []\n');
      });

      guaranteed('network', 'has no network', async () => {
        const result = await run(`import socket
for family, address in ((socket.AF_INET, ("127.0.0.1", 22)), (socket.AF_INET, ("1.1.1.1", 53)), (socket.AF_INET, ("169.254.169.254", 80)), (socket.AF_INET6, ("::1", 22))):
    s = socket.socket(family, socket.SOCK_STREAM); s.settimeout(2)
    try: s.connect(address); print("connected to", address)
    except OSError as e: print(e.errno)
try: print(socket.getaddrinfo("example.org", 80))
except OSError as e: print("no names")
print([name for _, name in socket.if_nameindex()])`);
        expect(result.output).not.toContain('connected');
        expect(result.output).toContain("no names\n['lo']\n");
      });

      guaranteed('filesystem', 'is not the first process, and sees no process but its own', async () => {
        const result = await run('import os; print(os.getpid() > 1, sorted(int(p) for p in os.listdir("/proc") if p.isdigit()))');
        // Its init, what a driver needs beside it, itself.
        expect(result.output).toMatch(/^True \[1(, \d+){1,2}\]\n$/);
      });

      guaranteed('syscalls', 'refuses the dangerous system calls, and gives no capability', async () => {
        const result = await run(`import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
numbers = {"mount": 165, "unshare": 272, "setns": 308, "ptrace": 101, "keyctl": 250, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323, "io_uring_setup": 425, "kexec_load": 246, "process_vm_readv": 310, "pidfd_getfd": 438, "fsopen": 430, "chroot": 161, "personality_bad": 135}
if os.uname().machine == "aarch64": numbers = {"mount": 40, "unshare": 97, "setns": 268, "ptrace": 117, "keyctl": 219, "bpf": 280, "perf_event_open": 241, "userfaultfd": 282, "io_uring_setup": 425, "kexec_load": 104, "process_vm_readv": 270, "pidfd_getfd": 438, "fsopen": 430, "chroot": 51, "personality_bad": 92}
for name, number in numbers.items():
    result = libc.syscall(number, 0x10000000, 0, 0, 0, 0)
    print(name, result, ctypes.get_errno())
status = open("/proc/self/status").read()
for field in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"):
    print(field, int(status.split(field + ":")[1].split()[0], 16))`);
        for (const line of result.output.trim().split('\n')) expect(line).toMatch(/ (-1 (1|38)|0)$|^NoNewPrivs 1$|^Seccomp 2$/);
        expect(result.output).toContain('CapBnd 0');
        expect(result.output).toContain('io_uring_setup -1 38');
      });

      guaranteed('user', 'runs as a user of the host that is neither root nor the service’s', async () => {
        const { running } = await begin('import time; print("up", flush=True); time.sleep(30)', { args: ['whoami-marker'] });
        for await (const chunk of running.output) {
          if (!chunk.bytes.includes('up')) continue;
          const [line = ''] = await processesWith('main.py\0whoami-marker');
          const status = await readFile(`/proc/${line.split(' ')[0]}/status`, 'utf8');
          const uid = Number(/^Uid:\t(\d+)/m.exec(status)?.[1]);
          expect(uid).not.toBe(0);
          expect(uid).not.toBe(process.getuid?.());
          break;
        }
        await running.dispose();
      });

      guaranteed('syscalls', 'gives the process that started the program no children that it does not know', async () => {
        const result = await run(`import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
CLONE_PARENT, SIGCHLD = 0x8000, 17
pid = libc.syscall(220 if os.uname().machine == "aarch64" else 56, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0)
if pid == 0: os._exit(0)
print(pid, ctypes.get_errno())`);
        expect(result.output).toBe('-1 1\n');
      });

      // Not where process 1 is the host's.
      guaranteed('filesystem', 'survives whatever the program does to process 1, and lets it see nothing of it', async () => {
        const result = await run(`import os, signal
for s in range(1, 65):
    try: os.kill(1, s)
    except OSError: pass
for name in ("root", "cwd", "exe", "fd/0", "ns/mnt", "environ", "mem", "maps", "map_files"):
    try: print("saw", name, os.readlink(f"/proc/1/{name}") if os.path.islink(f"/proc/1/{name}") else open(f"/proc/1/{name}").read(1) or os.listdir(f"/proc/1/{name}"))
    except OSError: pass
print("still here")`);
        expect(result.output).toBe('still here\n');
        expect(result.exit).toEqual(exited(0));
      });
    });

    describe('limits', () => {
      guaranteed('memory', 'ends a program that uses too much memory with the cause out of memory', async () => {
        const result = await run('x = []\nwhile True: x.append(bytearray(8_000_000))', { limits: { memoryBytes: 64 * MIB } });
        expect(result.exit).toEqual({ kind: 'oom' });
      });

      guaranteed('memory', 'counts out of memory when only a child was killed', async () => {
        const result = await run(
          `import os, time
if os.fork() == 0:
    x = []
    while True: x.append(bytearray(8_000_000))
os.wait()
time.sleep(0.5)`,
          { limits: { memoryBytes: 64 * MIB } },
        );
        expect(result.exit).toEqual({ kind: 'oom' });
      });

      guaranteed('pids', 'holds a fork bomb', async () => {
        const result = await run(
          `import os, time
made = 0
try:
    while True:
        if os.fork() == 0: time.sleep(30); os._exit(0)
        made += 1
except OSError as e: print(made, e.errno)`,
          { limits: { pids: 20 } },
        );
        expect(result.output).toBe('19 11\n');
      });

      guaranteed('cpu', 'lets nobody have more than a tenth above the CPU share', async () => {
        const { usage } = await run(
          'import time, os\nos.fork()\nend = time.monotonic() + 2\nwhile time.monotonic() < end: pass\ntry: os.wait()\nexcept OSError: pass',
          { limits: { cpus: 0.5 } },
        );
        expect(usage.cpuMs / usage.wallMs).toBeLessThan(0.55);
        // How much of its share a program gets, a busy machine decides.
        expect(usage.cpuMs).toBeGreaterThan(0);
      });

      guaranteed('disk', 'holds one bound over all writable places together', async () => {
        const result = await run(
          `import os
for i, d in enumerate(("/tmp", "/dev/shm", os.environ["JOB_OUTPUT_DIR"]) * 3):
    open(f"{d}/{i}", "wb").write(b"x" * 1_000_000)
    print(i, flush=True)`,
          { limits: { diskBytes: 4 * MIB } },
        );
        expect(result.exit).toEqual({ kind: 'disk_limit' });
        expect(result.output).toMatch(/^0\n1\n2\n3\n/);
        expect(result.output).not.toMatch(/^5\n/m);
        expect(Object.keys(result.files)).toContain('2');
      });

      guaranteed('disk', 'lets a program fill its places to the last byte', async () => {
        const result = await run(
          'import os\nwith open(os.environ["JOB_OUTPUT_DIR"] + "/f", "wb") as f:\n  for _ in range(4): f.write(b"x" * 1048576)',
          { limits: { diskBytes: 4 * MIB } },
        );
        expect(result.exit).toEqual(exited(0));
        expect(result.files['f']).toHaveLength(4 * MIB);
      });

      guaranteed('disk', 'bounds the number of files', async () => {
        const result = await run('for i in range(1_000_000): open(f"/tmp/{i}", "w").close()', { limits: { diskBytes: 4 * MIB } });
        expect(result.exit).toEqual({ kind: 'disk_limit' });
      });
    });

    it('runs several programs at once, each for itself', async () => {
      const results = await Promise.all(
        Array.from({ length: 6 }, (_, i) =>
          run(
            `import sys, time, os\nopen(${guarantees.filesystem ? '"/tmp/mine"' : 'os.environ["JOB_OUTPUT_DIR"] + "/mine"'}, "x").write("x")\ntime.sleep(0.2)\nprint(sys.argv[1])`,
            { args: [String(i)] },
          ),
        ),
      );
      expect(results.map((result) => result.output)).toEqual(Array.from({ length: 6 }, (_, i) => `${i}\n`));
    });

    it('refuses with an error of its own, and leaves nothing, when the interpreter is not there', async () => {
      const real = under.interpreter;
      under.interpreter = { ...real, executable: `${real.executable}-absent` };
      try {
        await expect(run('print(1)')).rejects.toThrow(/could not be set up/);
      } finally {
        under.interpreter = real;
      }
      expect(isAlive(process.pid)).toBe(true);
      expect((await run('print(1)')).output).toBe('1\n');
    });
  });
}
