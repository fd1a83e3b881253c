import { describe, expect } from 'vitest';
import { exited, type SandboxSuite } from './suite.contract.ts';

const MIB = 1024 * 1024;

export function limits(t: SandboxSuite): void {
  describe('limits', () => {
    t.guaranteed('memory', 'ends a program that uses too much memory with the cause out of memory', async () => {
      const result = await t.run('x = []\nwhile True: x.append(bytearray(8_000_000))', { limits: { memoryBytes: 64 * MIB } });
      expect(result.exit).toEqual({ kind: 'oom' });
    });

    t.guaranteed('memory', 'counts out of memory when only a child was killed', async () => {
      const result = await t.run(
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

    t.guaranteed('memory', 'hands out what a program has written when its files are what filled its memory', async () => {
      const result = await t.run(
        `import os
os.chdir(os.environ["JOB_OUTPUT_DIR"])
open("early", "w").write("early")
os.execvp("dd", ["dd", "if=/dev/zero", "of=late", "bs=64k", "status=none"])`,
        { limits: { memoryBytes: 48 * MIB, diskBytes: 256 * MIB }, collect: { maxBytes: 16 * MIB } },
      );
      expect(result.exit).toEqual({ kind: 'oom' });
      const there =
        t.under.fullOfFilesIsLost === true
          ? [{}, [{ name: expect.stringMatching(/^everything/) as string }]]
          : [{ early: 'early' }, [{ name: 'late' }]];
      expect([result.files, result.leftOut]).toMatchObject(there);
    });

    t.guaranteed('pids', 'holds a fork bomb', async () => {
      const result = await t.run(
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

    t.guaranteed('cpu', 'lets nobody have more than a tenth above the CPU share', async () => {
      const { usage } = await t.run(
        'import time, os\nos.fork()\nend = time.monotonic() + 2\nwhile time.monotonic() < end: pass\ntry: os.wait()\nexcept OSError: pass',
        { limits: { cpus: 0.5 } },
      );
      // gVisor takes the time that the host lets it wait for used.
      if (t.under.gvisor !== true) expect(usage.cpuMs / usage.wallMs).toBeLessThan(0.55);
      // How much of its share a program gets, a busy machine decides.
      expect(usage.cpuMs).toBeGreaterThan(0);
    });

    t.guaranteed('disk', 'holds one bound over all writable places together', async () => {
      const result = await t.run(
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

    t.guaranteed('disk', 'lets a program fill its places to the last byte', async () => {
      const result = await t.run(
        'import os\nwith open(os.environ["JOB_OUTPUT_DIR"] + "/f", "wb") as f:\n  for _ in range(4): f.write(b"x" * 1048576)',
        { limits: { diskBytes: 4 * MIB } },
      );
      expect(result.exit).toEqual(exited(0));
      expect(result.files['f']).toHaveLength(4 * MIB);
    });

    t.guaranteed('disk', 'bounds the number of files', async () => {
      const result = await t.run('for i in range(1_000_000): open(f"/tmp/{i}", "w").close()', { limits: { diskBytes: 4 * MIB } });
      expect(result.exit).toEqual({ kind: 'disk_limit' });
    });
  });
}
