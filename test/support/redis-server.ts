import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Whether tests with Redis can run. Where it is missing they are reported as skipped, but continuous integration must have it. */
export const hasRedis = spawnSync('redis-server', ['--version']).status === 0;
export const skipRedis = !hasRedis && process.env['CI'] === undefined;

export interface RedisServer {
  url: string;
  port: number;
  pid(): number;
  /** As the machine's own accidents would: what it has promised is in its file. */
  kill(): Promise<void>;
  /** Starts it again, on its files. */
  start(...options: string[]): Promise<void>;
  close(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A Redis of a test's own, with an append-only file that loses nothing, in a folder of its own. */
export async function startRedis(...options: string[]): Promise<RedisServer> {
  const dir = await mkdtemp(join(tmpdir(), 'job-runner-redis-'));
  let port = await freePort();
  let child: ChildProcess | undefined;

  const start = async (...more: string[]): Promise<void> => {
    const args = [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--dir',
      dir,
      '--save',
      '',
      '--appendonly',
      'yes',
      '--appendfsync',
      'always',
    ];
    const started = spawn('redis-server', [...args, ...options, ...more], { stdio: ['ignore', 'pipe', 'pipe'] });
    child = started;
    let said = '';
    await new Promise<void>((resolve, reject) => {
      const hear = (part: Buffer): void => {
        said += part.toString();
        if (said.includes('Ready to accept connections')) resolve();
      };
      started.stdout.on('data', hear);
      started.stderr.on('data', hear);
      started.once('error', reject);
      started.once('exit', (code) => reject(new Error(`redis-server ended with ${code}: ${said}`)));
    });
  };
  const kill = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };

  // However the tests end, it does not outlive them.
  const atExit = (): void => void child?.kill('SIGKILL');
  process.once('exit', atExit);
  for (let tries = 1; ; tries += 1) {
    try {
      await start();
      break;
    } catch (error) {
      // Somebody's connection may have got the port meanwhile.
      if (tries === 3 || !String(error).includes('in use')) throw error;
      port = await freePort();
    }
  }
  return {
    url: `redis://127.0.0.1:${port}/0`,
    port,
    pid: () => child?.pid ?? 0,
    kill,
    start,
    async close() {
      process.off('exit', atExit);
      await kill();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
