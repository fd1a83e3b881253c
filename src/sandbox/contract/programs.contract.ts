import { describe, expect, it } from 'vitest';
import { exited, type SandboxSuite } from './suite.contract.ts';

export function programs(t: SandboxSuite): void {
  describe('running a program', () => {
    it('runs the entry with its arguments in the code folder, where its siblings can be imported', async () => {
      const result = await t.run('import sys, os, pkg.mod\nprint(sys.argv, os.listdir("."), pkg.mod.X)', {
        args: ['--foo', 'b a r', ''],
        files: { 'pkg/mod.py': 'X = 42', 'pkg/__init__.py': '' },
      });
      expect(result.output).toMatch(/^\['main.py', '--foo', 'b a r', ''\] \['(pkg', 'main.py|main.py', 'pkg)'\] 42\n$/);
      expect(result.exit).toEqual(exited(0));
    });

    it('gives inputs to read, an output folder to write, and hands out what was left there', async () => {
      const result = await t.run(
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
      const result = await t.run('import os; print("\\n".join(f"{k}={v}" for k, v in os.environ.items()))', {
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
      expect((await t.run(program, { env: { PYTHONPATH: '/own' } })).output).toBe('module://job_runner_plots True /own:\n');
      expect((await t.run(program, { env: { MPLBACKEND: 'Agg' } })).output).toBe('Agg False \n');
    });

    it('lets the job’s words take effect in the program only', async () => {
      const result = await t.run('print("ran")', {
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
      expect((await t.run('print("I am a file")', { entry: '-c' })).output).toBe('I am a file\n');
    });

    it('tells exit codes and signals apart', async () => {
      expect((await t.run('raise SystemExit(3)')).exit).toEqual(exited(3));
      expect((await t.run('raise SystemExit(139)')).exit).toEqual(exited(139));
      expect((await t.run('raise SystemExit(137)')).exit).toEqual(exited(137));
      expect((await t.run('import os; os.abort()')).exit).toEqual({ kind: 'signaled', signal: 'SIGABRT', number: 6 });
      expect((await t.run('import os; os.kill(os.getpid(), 15)')).exit).toEqual({ kind: 'signaled', signal: 'SIGTERM', number: 15 });
      expect((await t.run('import os; os.kill(os.getpid(), 9)')).exit).toEqual({ kind: 'signaled', signal: 'SIGKILL', number: 9 });
    });

    it('measures time, CPU time and memory', async () => {
      const { usage } = await t.run(
        'import time\nx = bytearray(60_000_000)\nend = time.process_time() + 0.2\nwhile time.process_time() < end: pass\ntime.sleep(0.1)',
      );
      expect(usage.wallMs).toBeGreaterThan(280);
      expect(usage.cpuMs).toBeGreaterThan(150);
      expect(usage.cpuMs).toBeLessThan(usage.wallMs * 2);
      expect(usage.maxRssBytes).toBeGreaterThan(60_000_000);
    });

    it('runs several programs at once, each for itself', async () => {
      const results = await Promise.all(
        Array.from({ length: 6 }, (_, i) =>
          t.run(
            `import sys, time, os\nopen(${t.guarantees.filesystem ? '"/tmp/mine"' : 'os.environ["JOB_OUTPUT_DIR"] + "/mine"'}, "x").write("x")\ntime.sleep(0.2)\nprint(sys.argv[1])`,
            { args: [String(i)] },
          ),
        ),
      );
      expect(results.map((result) => result.output)).toEqual(Array.from({ length: 6 }, (_, i) => `${i}\n`));
    });

    it('refuses with an error of its own, and leaves nothing, when the interpreter is not there', async () => {
      const real = t.under.interpreter;
      t.under.interpreter = { ...real, executable: `${real.executable}-absent` };
      try {
        await expect(t.run('print(1)')).rejects.toThrow(/could not be set up/);
      } finally {
        t.under.interpreter = real;
      }
      expect((await t.run('print(1)')).output).toBe('1\n');
    });
  });
}
