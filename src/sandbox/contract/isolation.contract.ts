import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { processesWith } from '../../../test/support/processes.ts';
import { exited, type SandboxSuite } from './suite.contract.ts';

export function isolation(t: SandboxSuite): void {
  describe('isolation', () => {
    t.guaranteed('filesystem', 'shows the code folder by the name that a chat’s code interpreter has for it, too', async () => {
      const program = 'print(open("/mnt/data/in.txt").read()); open("/mnt/data/out.txt", "w").write("out")';
      const result = await t.run(program, { workspace: 'writable', files: { 'in.txt': 'in' } });
      expect(result.output).toBe('in\n');
      expect(result.files).toEqual({ 'out.txt': 'out' });
      const readOnly = await t.run(program, { files: { 'in.txt': 'in' } });
      expect(readOnly.output).toMatch(/^in\n[^]*(Read-only file system|Permission denied)/);
    });

    t.guaranteed(
      'filesystem',
      'shows nothing of the host but interpreter and libraries, and nothing writable but the job’s own places',
      async () => {
        const secret = join(t.home, 'secret');
        await writeFile(secret, 'secret', { mode: 0o666 });
        const result = await t.run(
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

    t.guaranteed('filesystem', 'lets nothing in the temporary places reach the next job', async () => {
      await t.run('for d in ("/tmp", "/dev/shm"): open(d + "/left", "w").write("x")');
      const result = await t.run('import os; print(os.listdir("/tmp"), os.listdir("/dev/shm"))');
      expect(result.output).toBe('[] []\n');
    });

    t.guaranteed('network', 'has no network', async () => {
      const result = await t.run(`import socket
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

    t.guaranteed('filesystem', 'is not the first process, and sees no process but its own', async () => {
      const result = await t.run('import os; print(os.getpid() > 1, sorted(int(p) for p in os.listdir("/proc") if p.isdigit()))');
      // Its init, what a driver needs beside it, itself.
      expect(result.output).toMatch(/^True \[1(, \d+){1,2}\]\n$/);
    });

    t.guaranteed('syscalls', 'refuses the dangerous system calls, and gives no capability', async () => {
      const result = await t.run(`import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
numbers = {"mount": 165, "unshare": 272, "setns": 308, "ptrace": 101, "keyctl": 250, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323, "io_uring_setup": 425, "kexec_load": 246, "process_vm_readv": 310, "pidfd_getfd": 438, "fsopen": 430, "chroot": 161, "personality_bad": 135}
if os.uname().machine == "aarch64": numbers = {"mount": 40, "unshare": 97, "setns": 268, "ptrace": 117, "keyctl": 219, "bpf": 280, "perf_event_open": 241, "userfaultfd": 282, "io_uring_setup": 425, "kexec_load": 104, "process_vm_readv": 270, "pidfd_getfd": 438, "fsopen": 430, "chroot": 51, "personality_bad": 92}
for name, number in numbers.items():
    result = libc.syscall(number, 0x10000000, 0, 0, 0, 0)
    print(name, result, ctypes.get_errno())
status = open("/proc/self/status").read()
for field in ("CapInh", "CapPrm", "CapEff", "CapBnd"${t.under.gvisor === true ? '' : ', "CapAmb", "NoNewPrivs"'}, "Seccomp"):
    print(field, int(status.split(field + ":")[1].split()[0], 16))`);
      for (const line of result.output.trim().split('\n')) expect(line).toMatch(/ (-1 (1|38)|0)$|^NoNewPrivs 1$|^Seccomp 2$/);
      expect(result.output).toContain('CapBnd 0');
      expect(result.output).toContain('io_uring_setup -1 38');
    });

    t.guaranteed('user', 'runs as a user of the host that is neither root nor the service’s', async () => {
      const { running } = await t.begin('import time; print("up", flush=True); time.sleep(30)', { args: ['whoami-marker'] });
      for await (const chunk of running.output) {
        if (!chunk.bytes.includes('up')) continue;
        const [line = ''] = await processesWith(t.under.gvisor === true ? 'runsc-sandbox\0' : 'main.py\0whoami-marker');
        const status = await readFile(`/proc/${line.split(' ')[0]}/status`, 'utf8');
        const uid = Number(/^Uid:\t(\d+)/m.exec(status)?.[1]);
        expect(uid).not.toBe(0);
        expect(uid).not.toBe(process.getuid?.());
        break;
      }
      await running.dispose();
    });

    t.guaranteed('syscalls', 'gives the process that started the program no children that it does not know', async () => {
      const result = await t.run(`import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
CLONE_PARENT, SIGCHLD = 0x8000, 17
pid = libc.syscall(220 if os.uname().machine == "aarch64" else 56, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0)
if pid == 0: os._exit(0)
print(pid, ctypes.get_errno())`);
      expect(result.output).toBe('-1 1\n');
    });

    // Not where process 1 is the host's.
    t.guaranteed('filesystem', 'survives whatever the program does to process 1, and lets it see nothing of it', async () => {
      const result = await t.run(`import os, signal
for s in range(1, 65):
    try: os.kill(1, s)
    except OSError: pass
for name in ("root", "cwd", "exe", "fd/0", "ns/mnt", "environ", "mem", "maps", "map_files")[:${t.under.gvisor === true ? 3 : 9}]:
    try: print("saw", name, os.readlink(f"/proc/1/{name}") if os.path.islink(f"/proc/1/{name}") else open(f"/proc/1/{name}").read(1) or os.listdir(f"/proc/1/{name}"))
    except OSError: pass
try: os.open("/proc/1/fd/1", os.O_WRONLY); print("reached its streams")
except OSError: pass
print("still here")`);
      expect(result.output).toBe('still here\n');
      expect(result.exit).toEqual(exited(0));
    });
  });
}
