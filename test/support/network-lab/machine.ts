import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Interpreter } from '../../../src/runtimes/runtime.ts';
import { createBubblewrap } from '../../../src/sandbox/bubblewrap.ts';
import { createDocker } from '../../../src/sandbox/docker.ts';
import type { EgressOptions } from '../../../src/sandbox/egress/serve.ts';
import type { Sandbox } from '../../../src/sandbox/sandbox.ts';
import { EXEC_IMAGE } from '../docker-image.ts';
import { startDockerd, type Dockerd } from '../dockerd.ts';
import { systemPython } from '../system-python.ts';
import { GATEWAY, MACHINE, PORT } from './addresses.ts';
import type { Order, Reply } from './lab.ts';

/** Run in a network and a mount namespace of its own: the machine that jobs run on, whose only link leads to internet.ts. */

/** What gVisor's and Kata's containers look like to their network's filter: they have a stack, and a loopback device, of their own. */
const STACK_OF_ITS_OWN = join(import.meta.dirname, 'stack-of-its-own.sh');
const MIB = 1024 * 1024;
const NOBODY = 65_534;
const TRIED_FIRST = { uid: 54_821 };

const run = (program: string, ...words: string[]): void => {
  execFileSync(program, words, { stdio: ['ignore', 'ignore', 'inherit'] });
};

let home = '';
let sandbox: Sandbox | undefined;
let interpreter: Interpreter | undefined;
let daemon: Dockerd | undefined;
let serial = 0;

async function setUp({ user, egress, instance, hidden, dockerNetwork }: Extract<Order, { kind: 'set up' }>): Promise<Reply> {
  const ip = (...words: string[]): void => run('ip', ...words);
  ip('link', 'set', 'lo', 'up');
  ip('link', 'set', 'net', 'up');
  ip('addr', 'add', `${MACHINE.link}/24`, 'dev', 'net');
  ip('-6', 'addr', 'add', `${MACHINE.link6}/64`, 'dev', 'net', 'nodad');
  ip('addr', 'add', `${MACHINE.public}/32`, 'dev', 'net');
  ip('route', 'add', 'default', 'via', GATEWAY.link);
  ip('-6', 'route', 'add', 'default', 'via', GATEWAY.link6);
  const server = createServer((socket) => socket.on('error', () => undefined).end('the machine itself\n'));
  await new Promise<void>((resolve) => server.listen(PORT, '::', resolve));
  for (const path of hidden) run('mount', '--bind', '/dev/null', path);
  if (user === 'nobody') {
    // As udev sets it up where there is one.
    run('mount', '-t', 'tmpfs', 'tmpfs', '/dev/net');
    run('mknod', '-m', '666', '/dev/net/tun', 'c', '10', '200');
    process.setgroups?.([]);
    process.setgid?.(NOBODY);
    process.setuid?.(NOBODY);
  }
  home = await mkdtemp(join(tmpdir(), `network-${instance}-`));
  await chmod(home, 0o755);
  if (dockerNetwork !== undefined) return setUpDocker(egress, dockerNetwork);
  interpreter = await systemPython();
  sandbox = createBubblewrap({ instance, firstUid: TRIED_FIRST.uid, ready: 0, interpreter: () => interpreter, egress });
  return { health: await sandbox.check() };
}

/** The daemon has this machine's network; its image is there already, for nothing can be fetched from here. */
async function setUpDocker(egress: EgressOptions, network: string): Promise<Reply> {
  daemon = await startDockerd({ bridged: true, runtimes: { runsc: '/nonexistent/runsc', 'stack-of-its-own': STACK_OF_ITS_OWN } });
  if (network !== 'bridge') await daemon.cli(['network', 'create', '--ipv6', '--subnet=fd77:18::/64', network]);
  const engine = { dockerHost: daemon.host, certificates: undefined, runtimeDir: undefined };
  const docker = createDocker({ engine, runtime: undefined, egress, network });
  sandbox = docker;
  const health = await docker.check();
  const description = await docker.describe(EXEC_IMAGE);
  if (description === undefined) throw new Error('the image is not there');
  interpreter = description.interpreter;
  return { health, dockerHost: daemon.host, ...(description.noNetwork === undefined ? {} : { noNetwork: description.noNetwork.reason }) };
}

async function runJob({ program, network, pids = 64, env = {} }: Extract<Order, { kind: 'run' }>): Promise<Reply> {
  if (sandbox === undefined || interpreter === undefined) throw new Error('not set up');
  const folder = join(home, String(++serial));
  await mkdir(folder, { mode: 0o755 });
  await writeFile(join(folder, 'main.py'), program);
  const running = await sandbox.start(
    {
      jobId: String(serial),
      interpreter,
      codeDir: folder,
      inputDir: folder,
      entry: 'main.py',
      args: [],
      env,
      stdin: '',
      limits: { timeoutMs: 40_000, cpus: 1, memoryBytes: 256 * MIB, pids, diskBytes: MIB, outputBytes: MIB },
      splitOutput: false,
      workspace: 'read_only',
      network,
    },
    new AbortController().signal,
  );
  try {
    let output = '';
    for await (const { bytes } of running.output) output += bytes.toString();
    const { exit } = await running.ended;
    return { output, exit };
  } finally {
    await running.dispose();
  }
}

/** What the machine itself gets from there: that a host can be reached at all, when the filter is not in the way. */
const reach = (address: string): Promise<Reply> =>
  new Promise((resolve) => {
    const socket = connect({ host: address, port: PORT, timeout: 3000 });
    const say = (output: string): void => {
      socket.destroy();
      resolve({ output });
    };
    socket.once('data', (bytes) => say(bytes.toString()));
    socket.once('error', (error) => say(error.message)).once('timeout', () => say('timeout'));
  });

process.on('message', (order: Order) => {
  const work = order.kind === 'set up' ? setUp(order) : order.kind === 'run' ? runJob(order) : reach(order.address);
  work.then(
    (reply) => process.send?.({ number: order.number, reply }),
    (error: unknown) =>
      process.send?.({ number: order.number, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
process.on('disconnect', () => {
  void (async () => {
    await sandbox?.close();
    await daemon?.close();
    if (home !== '') await rm(home, { recursive: true, force: true });
    process.exit(0);
  })();
});
process.send?.({ number: 0 });
