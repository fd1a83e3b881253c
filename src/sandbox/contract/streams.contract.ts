import { describe, expect, it } from 'vitest';
import type { SandboxSuite } from './suite.contract.ts';

const MIB = 1024 * 1024;

export function streams(t: SandboxSuite): void {
  describe('what a program reads and says', () => {
    it('reads nothing on stdin, or what was given', async () => {
      expect((await t.run('import sys; print(repr(sys.stdin.read()))')).output).toBe("''\n");
      expect((await t.run('import sys; print(sys.stdin.read(), open("/dev/stdin").read())', { stdin: 'hé\n' })).output).toContain('hé\n');
    });

    it('keeps stdout and stderr in their exact order on one pipe', async () => {
      const result = await t.run(
        'import sys\nfor i in range(300):\n  print("o", i, flush=True)\n  print("e", i, file=sys.stderr, flush=True)',
      );
      expect(result.output).toBe(Array.from({ length: 300 }, (_, i) => `o ${i}\ne ${i}\n`).join(''));
    });

    it('tells stdout and stderr apart when they are split', async () => {
      const result = await t.run('import sys; print("out"); print("err", file=sys.stderr)', { splitOutput: true });
      const of = (stream: string): string =>
        result.streams
          .filter((part) => part.stream === stream)
          .map((part) => part.text)
          .join('');
      expect(of('stdout')).toBe('out\n');
      expect(of('stderr')).toBe('err\n');
    });

    it('lets /dev/stdout and /dev/stderr be opened', async () => {
      const result = await t.run('open("/dev/stdout", "w").write("one\\n"); open("/dev/stderr", "w").write("two\\n")');
      expect(result.output).toBe('one\ntwo\n');
    });

    it('hands the program only the descriptors 0, 1 and 2', async () => {
      // The listing's own descriptor is closed again when fstat asks.
      const result = await t.run(`import os
def is_open(fd):
    try: os.fstat(fd)
    except OSError: return False
    return True
print([fd for fd in map(int, os.listdir("/proc/self/fd")) if is_open(fd)])`);
      expect(result.output).toBe('[0, 1, 2]\n');
    });

    it('makes the program wait when nobody reads its output', async () => {
      const { running } = await t.begin('import sys\nfor i in range(100): sys.stdout.write("x" * 100_000)', {
        limits: { outputBytes: 20 * MIB },
      });
      let bytes = 0;
      for await (const chunk of running.output) bytes += chunk.bytes.length;
      expect(bytes).toBe(10_000_000);
      await running.dispose();
    });

    it('hands out all of an output that nobody read until the end', async () => {
      const { running } = await t.begin('print("one"); print("two")');
      try {
        await running.ended;
        const parts: Buffer[] = [];
        for await (const { bytes } of running.output) parts.push(Buffer.from(bytes));
        expect(Buffer.concat(parts).toString()).toBe('one\ntwo\n');
      } finally {
        await running.dispose();
      }
    });
  });
}
