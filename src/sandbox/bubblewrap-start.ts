import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { filterFile } from './bubblewrap-host.ts';
import type { Egress } from './egress/egress.ts';
import type { HostRun } from './host-run.ts';
import type { Launched, Prepared } from './launcher.ts';
import { bubblewrapArgs, encodeSteps, initSteps, launchSteps, mountPoint, type Host } from './plan.ts';

/** Starts a run with a launcher. What that is to open are files for a moment only. */
export async function startIn(
  launcher: Prepared,
  host: Host,
  run: HostRun,
  uid: number,
  cgroups: boolean,
  egress: Egress,
): Promise<Launched> {
  const made: string[] = [];
  const file = (name: string, bytes: string | Buffer, mode: number): string => {
    const path = join(host.workDir, `${launcher.pid}-${name}`);
    writeFileSync(path, bytes, { mode: 0o600, flag: 'wx' });
    made.push(path);
    chmodSync(path, mode);
    return path;
  };
  const { network } = run;
  if (launcher.network !== undefined && network !== undefined && network !== 'none') egress.serve(launcher.network, network);
  try {
    const networkSteps = launcher.network === undefined ? [] : egress.steps(host);
    const files = {
      // The program may open it once more, as /dev/stdin.
      stdin: run.stdin === '' ? '/dev/null' : file('stdin', run.stdin, 0o444),
      filter: filterFile(host),
      bubblewrapArgs: file('args', `${bubblewrapArgs(host, run, networkSteps.length > 0).join('\0')}\0`, 0o600),
      initSteps: file('init', encodeSteps(initSteps(run, cgroups)), 0o600),
    };
    return await launcher.start(launchSteps(host, run, uid, files, networkSteps), mountPoint(host));
  } finally {
    for (const path of made) rmSync(path);
  }
}
