import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openCgroups } from '../../../src/sandbox/cgroup.ts';
import type { EgressOptions } from '../../../src/sandbox/egress/serve.ts';
import type { Exit, Network, SandboxHealth } from '../../../src/sandbox/sandbox.ts';
import { PUBLIC } from './addresses.ts';

/**
 * A machine and an internet, both network namespaces of ours, joined by one cable and to nothing else: no packet of a test can
 * reach anything real. The sandbox under test runs in the machine.
 */

type OrderOf =
  | { kind: 'set up'; user: 'root' | 'nobody'; egress: EgressOptions; instance: string; hidden: readonly string[]; dockerNetwork?: string }
  | { kind: 'run'; program: string; network: Network; pids?: number; env?: Record<string, string> }
  | { kind: 'reach'; address: string };
export type Order = OrderOf & { number: number };
export interface Reply {
  output?: string;
  exit?: Exit;
  health?: SandboxHealth;
  dockerHost?: string;
  noNetwork?: string;
}

export interface Lab {
  health: SandboxHealth;
  /** Where the machine's engine listens, when it has one. */
  dockerHost: string;
  /** Why jobs of the engine's image can have no network. */
  noNetwork: string | undefined;
  /** What a program says that runs with this network. */
  run(program: string, network: Network, more?: { pids?: number; env?: Record<string, string> }): Promise<{ output: string; exit: Exit }>;
  /** What the machine itself hears from an address, past the filter. */
  reach(address: string): Promise<string>;
  /** Names of the processes that the machine's has started and that are there yet, and how many network namespaces they have beside the machine's. */
  processes(): Promise<{ names: string[]; networks: number }>;
  /** Kills the machine's process at once, as a service dies that is killed; resolves with what is left of its descendants in the end. */
  kill(): Promise<string[]>;
  close(): Promise<void>;
}

export const EGRESS: EgressOptions = { allowed: true, denied: [], allowedPrivate: [], nameServers: [PUBLIC.dns], maxFlows: 256 };

function start(script: string, namespaces: readonly string[]): ChildProcess {
  return spawn('unshare', [...namespaces, process.execPath, join(import.meta.dirname, script)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

/** Within which a killed machine's last process must be gone. */
const KILLED_MS = 10_000;

async function descendantsOf(root: number): Promise<{ names: string[]; pids: string[]; networks: number }> {
  const names: string[] = [];
  const pids: string[] = [];
  const networks = new Set<string>();
  const own = await readlink(`/proc/${root}/ns/net`);
  const walk = async (pid: number): Promise<void> => {
    for (const child of (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')).split(' ').filter(Boolean)) {
      pids.push(child);
      names.push((await readFile(`/proc/${child}/comm`, 'utf8').catch(() => '')).trim());
      const network = await readlink(`/proc/${child}/ns/net`).catch(() => own);
      if (network !== own) networks.add(network);
      await walk(Number(child));
    }
  };
  await walk(root);
  return { names, pids, networks: networks.size };
}

/** `hidden`: programs that the machine is to have no more than by name. `dockerNetwork`: jobs run in containers, and leave through that network. */
export async function openLab(
  user: 'root' | 'nobody',
  egress: EgressOptions = EGRESS,
  { hidden = [], dockerNetwork }: { hidden?: readonly string[]; dockerNetwork?: string } = {},
): Promise<Lab> {
  const internet = start('internet.ts', ['--net']);
  const machine = start('machine.ts', ['--net', '--mount']);
  const machinePid = machine.pid;
  const instance = `lab-${process.pid}-${machinePid}`;
  const waiting = new Map<number, { resolve: (reply: Reply) => void; reject: (error: Error) => void }>();
  let serial = 0;
  await Promise.all([once(internet, 'message'), once(machine, 'message')]);
  machine.on('message', ({ number, reply, error }: { number: number; reply: Reply; error?: string }) => {
    const waiter = waiting.get(number);
    waiting.delete(number);
    if (error === undefined) waiter?.resolve(reply);
    else waiter?.reject(new Error(error));
  });
  const ask = (order: OrderOf): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const number = ++serial;
      waiting.set(number, { resolve, reject });
      machine.send({ ...order, number });
    });
  const close = async (): Promise<void> => {
    const gone = [internet, machine]
      .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
      .map((child) => once(child, 'exit'));
    internet.disconnect();
    if (machine.connected) machine.disconnect();
    await Promise.all(gone);
  };

  try {
    // The cable, made in the internet: when that goes, it goes.
    const words = ['link', 'add', 'net', 'type', 'veth', 'peer', 'name', 'net', 'netns', String(machine.pid)];
    await promisify(execFile)('nsenter', ['--net', '--target', String(internet.pid), 'ip', ...words]);
    internet.send('go');
    await once(internet, 'message');
    const {
      health,
      dockerHost = '',
      noNetwork,
    } = await ask({
      kind: 'set up',
      user,
      egress,
      instance,
      hidden,
      ...(dockerNetwork === undefined ? {} : { dockerNetwork }),
    });
    if (health === undefined || machinePid === undefined) throw new Error('the machine is not up');
    return {
      health,
      dockerHost,
      noNetwork,
      processes: () => descendantsOf(machinePid),
      async kill() {
        const { pids } = await descendantsOf(machinePid);
        const gone = once(machine, 'exit');
        machine.kill('SIGKILL');
        await gone;
        const living = async (): Promise<string[]> => {
          const states = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')));
          // A dead one that nobody has waited for yet is dead.
          return states
            .filter((state) => state !== '' && !/^State:\s+Z/m.test(state))
            .map((state) => /^Name:\s+(.*)/.exec(state)?.[1] ?? state);
        };
        const deadline = Date.now() + KILLED_MS;
        while ((await living()).length > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
        const left = await living();
        // What the next start of the same service would sweep.
        await (await openCgroups(instance)).close();
        for (const name of await readdir(tmpdir()))
          if (name.includes(instance)) await rm(join(tmpdir(), name), { recursive: true, force: true });
        return left;
      },
      async run(program, network, more = {}) {
        const { output = '', exit } = await ask({ kind: 'run', program, network, ...more });
        if (exit === undefined) throw new Error('no end');
        return { output, exit };
      },
      reach: async (address) => (await ask({ kind: 'reach', address })).output ?? '',
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
