import { closeSync, openSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { changedFiles } from './changed-files.ts';
import { collectFolder } from './collect.ts';
import { firstCause } from './first-cause.ts';
import { closeAll, launch, launcherScript } from './launcher.ts';
import { readOutput } from './output.ts';
import { encodeSteps, rlimitSteps, type Step } from './plan.ts';
import { exitOf } from './exit.ts';
import type { Running, RunSpec, Sandbox } from './sandbox.ts';

/** No isolation at all: the program runs as the service's own user, on the bare host. Only for `SANDBOX=none`, asked for by name. */
export function createNone(): Sandbox {
  const running = new Set<Running>();

  const initSteps = (run: RunSpec, home: string): Step[] => {
    const { executable, venv, series } = run.interpreter;
    const python = venv === undefined ? executable : join(venv, 'bin', `python${series}`);
    const environment = {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      HOME: join(home, 'tmp'),
      TMPDIR: join(home, 'tmp'),
      LANG: 'C.UTF-8',
      PYTHONUNBUFFERED: '1',
      PYTHONDONTWRITEBYTECODE: '1',
      JOB_ID: run.jobId,
      JOB_INPUT_DIR: run.inputDir,
      JOB_OUTPUT_DIR: join(home, 'output'),
      ...run.env,
    };
    return [
      ['folder', join(home, 'code')],
      // Without a namespace of its own the count would be of all the user's processes.
      ...rlimitSteps(run.limits, false).filter(([, resource]) => resource !== NPROC),
      ...Object.entries(environment).map(([name, value]): Step => ['env', name, value]),
      ['command', python, python, ...(run.entry.startsWith('-') ? ['--'] : []), run.entry, ...run.args],
    ];
  };

  async function start(run: RunSpec, signal: AbortSignal): Promise<Running> {
    const home = await mkdtemp(join(tmpdir(), 'job-runner-none-'));
    const removeHome = (): Promise<void> => rm(home, { recursive: true, force: true });
    const opened: number[] = [];
    const open = (path: string): number => {
      const descriptor = openSync(path, 'r');
      opened.push(descriptor);
      return descriptor;
    };
    try {
      for (const name of ['output', 'tmp']) await mkdir(join(home, name));
      await cp(run.codeDir, join(home, 'code'), { recursive: true });
      await writeFile(join(home, 'init'), encodeSteps(initSteps(run, home)));
      await writeFile(join(home, 'stdin'), run.stdin);
      const nothing = open('/dev/null');
      const launched = await launch({
        perl: '/usr/bin/perl',
        script: launcherScript,
        steps: [
          ['pipes', run.splitOutput ? 2 : 1, process.getuid?.() ?? 0, process.getgid?.() ?? 0],
          ['command', '/usr/bin/perl', launcherScript, 'run'],
        ],
        descriptors: { stdin: open(join(home, 'stdin')), filter: nothing, args: nothing, init: open(join(home, 'init')) },
      });
      const cause = firstCause(run.limits, signal, () => launched.kill());
      const startedAt = performance.now();
      const ended = launched.ended
        .then(({ program, whole }) => ({
          exit: cause.get() ?? exitOf(program),
          usage: {
            wallMs: program?.wallMs ?? performance.now() - startedAt,
            cpuMs: (program ?? whole).cpuMs,
            maxRssBytes: (program ?? whole).maxRssBytes,
          },
        }))
        .finally(() => cause.settle());
      ended.catch(() => undefined);
      const names = run.splitOutput ? (['stdout', 'stderr'] as const) : (['stdout'] as const);
      let disposed: Promise<void> | undefined;
      const self: Running = {
        output: readOutput(
          launched.outputs.map((socket, index) => ({ stream: names[index] ?? 'stdout', socket })),
          run.limits.outputBytes,
          () => cause.end({ kind: 'output_limit' }),
        ),
        ended,
        async *collect(bounds, leftOut) {
          yield* collectFolder(join(home, 'output'), bounds, leftOut);
          if (run.workspace === 'writable') yield* changedFiles(run.codeDir, join(home, 'code'), bounds, leftOut);
        },
        dispose() {
          disposed ??= (async () => {
            launched.kill();
            await ended.catch(() => undefined);
            for (const socket of launched.outputs) socket.destroy();
            await launched.release();
            running.delete(self);
            await removeHome();
          })();
          return disposed;
        },
      };
      running.add(self);
      return self;
    } catch (error) {
      await removeHome();
      throw error;
    } finally {
      closeAll(opened);
    }
  }

  return {
    name: 'none',
    async check() {
      closeSync(openSync(launcherScript, 'r'));
      return {
        guarantees: { filesystem: false, network: false, processes: true, syscalls: false, user: false, memory: false, pids: false, cpu: false, disk: false },
        notes: ['SANDBOX=none: jobs run on the bare host as the service’s own user; whoever can send a job owns this machine'],
      };
    },
    start,
    async close() {
      await Promise.all([...running].map((each) => each.dispose()));
    },
  };
}

/** RLIMIT_NPROC. */
const NPROC = 6;
