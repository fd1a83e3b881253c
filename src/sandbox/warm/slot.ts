import { join } from 'node:path';
import type { HostInterpreter } from '../../runtimes/runtime.ts';
import type { Cgroup, Cgroups } from '../cgroup.ts';
import type { Host } from '../plan.ts';
import { SandboxLost, type Limits } from '../sandbox.ts';
import type { Slot } from '../slot.ts';
import { give } from './give.ts';
import { idInside, jobSteps, jobWords, releaseSteps, slotFolder, slotSteps, type Users } from './plan.ts';
import { ServerLost, type ForkServer } from './server.ts';

/** What slots are made of, whichever server forks them. */
export interface SlotParts {
  host: Host;
  cgroups: Cgroups | undefined;
  users: Users;
  /** What a slot is made for; one whose job has other limits is changed when it gets it. */
  limits: Limits;
  takeUid(): number;
  freeUid(uid: number): void;
}

let serial = 0;

/** A process forked from the server, isolated, in its cgroups, waiting for its job. */
export async function makeSlot(parts: SlotParts, server: ForkServer, interpreter: HostInterpreter): Promise<Slot> {
  const { host, cgroups } = parts;
  const name = `${++serial}`;
  const uid = host.root ? parts.takeUid() : host.uid;
  let cgroup: Cgroup | undefined;
  let gone: Promise<void> | undefined;
  const free = async (): Promise<void> => {
    await gone;
    // A server that is gone has taken its mounts along.
    await server.mount(releaseSteps(host, name)).catch(() => undefined);
    await cgroup?.remove();
    if (host.root) parts.freeUid(uid);
  };
  try {
    cgroup = await cgroups?.create(`${process.pid}-warm-${name}`);
    cgroup?.limit(parts.limits);
    await server.mount(slotSteps(host, interpreter, name, uid, parts.limits.diskBytes));
    const forked = await server.fork(name, idInside(host, parts.users, uid), async (pid) => cgroup?.attach(pid));
    gone = forked.gone;
    let killed = false;
    const ended = forked.ended.then(
      (report) => {
        if (!report.begun && !killed) throw new SandboxLost('its process was killed before it got its job');
        return { program: report, whole: report };
      },
      (error: unknown) => {
        throw error instanceof ServerLost ? new SandboxLost('the fork server is gone', error) : error;
      },
    );
    let over = false;
    const died = ended.then(
      () => (over = true),
      () => (over = true),
    );
    const kill = (): void => {
      killed = true;
      // However long it takes: a server that does not do it does not answer either, and is known to be sick by that.
      forked.kill();
    };
    return {
      path: 'warm',
      cgroup,
      died,
      async start(run) {
        if (over) throw new Error('it was killed before it got its job');
        cgroup?.limit(run.limits);
        const root = join(server.root, slotFolder(host, name));
        const given = {
          code: run.workspace === 'read_only' && give(run.codeDir, join(root, 'given/code')),
          input: give(run.inputDir, join(root, 'given/input')),
        };
        const steps = jobSteps(host, run, name, uid, parts.limits, given);
        if (steps.length > 0) await server.mount(steps);
        forked.start(jobWords(run, cgroup !== undefined, forked.inheritedBytes));
        return {
          stdout: forked.stdout,
          stderr: forked.stderr,
          root,
          ended,
          kill,
          release: async () => undefined,
        };
      },
      async discard() {
        kill();
        await died;
        forked.destroy();
        await free();
      },
      free,
    };
  } catch (error) {
    await free();
    throw error;
  }
}
