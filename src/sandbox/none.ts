import { closeSync, openSync } from 'node:fs';
import { cp, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeTree } from '../artifacts/remove-tree.ts';
import { hostRun, type HostRun } from './host-run.ts';
import { followLaunched } from './launched-run.ts';
import { launcherScript, prepareLauncher, type Prepared } from './launcher.ts';
import { MODULES_DIR, plotEnvironment } from './plots.ts';
import { encodeSteps, openSteps, rlimitSteps, type Step } from './plan.ts';
import { NetworkUnavailable, type Outbound, type Running, type RunSpec, type Sandbox } from './sandbox.ts';

const PERL = '/usr/bin/perl';

const UNFILTERED: Outbound & { possible: false } = {
  possible: false,
  reason: 'SANDBOX=none filters nothing: jobs reach whatever the service reaches',
  remedy: 'unset SANDBOX',
};

/** No isolation at all: the program runs as the service's own user, on the bare host. Only for `SANDBOX=none`, asked for by name. */
export function createNone(): Sandbox {
  const running = new Set<Running>();

  const initSteps = (run: HostRun, home: string): Step[] => {
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
      ...plotEnvironment(MODULES_DIR, run.env),
    };
    return [
      ['enter', join(home, 'code')],
      // Without a namespace of its own the count would be of all the user's processes.
      ...rlimitSteps(run.limits, { memory: false, pids: true }),
      ...Object.entries(environment).map(([name, value]): Step => ['env', name, value]),
      ['command', python, python, ...(run.entry.startsWith('-') ? ['--'] : []), run.entry, ...run.args],
    ];
  };

  async function start(spec: RunSpec, signal: AbortSignal): Promise<Running> {
    const run = hostRun(spec);
    if (run.network !== undefined && run.network !== 'none') throw new NetworkUnavailable(UNFILTERED.reason);
    const home = await mkdtemp(join(tmpdir(), 'job-runner-none-'));
    const removeHome = (): Promise<void> => removeTree(home);
    let launcher: Prepared | undefined;
    try {
      for (const name of ['output', 'tmp']) await mkdir(join(home, name));
      await cp(run.codeDir, join(home, 'code'), { recursive: true });
      const files = { initSteps: join(home, 'init'), stdin: join(home, 'stdin') };
      await writeFile(files.initSteps, encodeSteps(initSteps(run, home)));
      await writeFile(files.stdin, run.stdin);
      launcher = await prepareLauncher(PERL, [['pipes', process.getuid?.() ?? 0, process.getgid?.() ?? 0]]);
      const steps: Step[] = [
        ...openSteps(files),
        ...(run.splitOutput ? [] : ([['one-pipe']] satisfies Step[])),
        ['command', PERL, launcherScript, 'run'],
      ];
      const launched = await launcher.start(steps, home);
      const self = followLaunched({
        launched,
        run,
        signal,
        path: 'cold',
        folder: home,
        async free() {
          running.delete(self);
          await removeHome();
        },
      });
      running.add(self);
      return self;
    } catch (error) {
      await launcher?.discard();
      await removeHome();
      throw error;
    }
  }

  return {
    name: 'none',
    async check() {
      closeSync(openSync(launcherScript, 'r'));
      return {
        guarantees: {
          filesystem: false,
          network: false,
          processes: true,
          syscalls: false,
          user: false,
          memory: false,
          pids: false,
          cpu: false,
          disk: false,
        },
        outbound: UNFILTERED,
        notes: ['SANDBOX=none: jobs run on the bare host as the service’s own user; whoever can send a job owns this machine'],
      };
    },
    anticipate: () => undefined,
    start,
    async close() {
      await Promise.all([...running].map((each) => each.dispose()));
    },
  };
}
