import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What is put up on this host for attacks to find, and what became of it. */
export interface Target {
  /** What the programs are told: where to look. */
  told: Record<string, string | number>;
  /** What has been touched since the start: nothing, when all is well. */
  touched(): Promise<string[]>;
  close(): Promise<void>;
}

/**
 * Listeners on this host's loopback, by TCP, UDP, a Unix socket with a path and one without; files that everybody may read and write;
 * a secret in this process's environment; a process to be killed.
 */
export async function putUpTarget(): Promise<Target> {
  const folder = await mkdtemp(join(tmpdir(), 'attack-target-'));
  await chmod(folder, 0o777);
  const secret = `secret-of-the-host-${randomBytes(8).toString('hex')}`;
  process.env['SECRET_OF_THE_HOST'] = secret;
  const heard: string[] = [];
  const files = { secret_file: join(folder, 'secret-file'), other_job_file: join(folder, 'other', 'output', 'result') };
  await mkdir(join(folder, 'other', 'output'), { recursive: true, mode: 0o777 });
  for (const path of Object.values(files)) await writeFile(path, secret, { mode: 0o666 });

  const servers: Server[] = [];
  const listen = async (name: string, where: object): Promise<Server> => {
    const server = createServer((socket) => {
      heard.push(`a connection came by ${name}`);
      socket.destroy();
    });
    server.listen(where);
    await once(server, 'listening');
    servers.push(server);
    return server;
  };
  const tcp = await listen('TCP', { host: '127.0.0.1', port: 0 });
  const { port } = tcp.address() as AddressInfo;
  await listen('TCP over IPv6', { host: '::1', port });
  const abstractName = `attack-${process.pid}-${randomBytes(4).toString('hex')}`;
  await listen('an abstract socket', { path: `\0${abstractName}` });
  const path = join(folder, 'socket');
  await listen('a socket in a folder', { path });
  await chmod(path, 0o777);

  const udp = createSocket('udp4', (_, from) => heard.push(`a datagram came from ${from.address}`));
  udp.bind(0, '127.0.0.1');
  await once(udp, 'listening');

  const victim = spawn('sleep', ['3600'], { stdio: 'ignore' });
  await once(victim, 'spawn');

  return {
    told: {
      ...files,
      secret,
      secret_folder: folder,
      tcp_port: port,
      udp_port: udp.address().port,
      abstract_socket: abstractName,
      unix_socket: path,
      service_pid: process.pid,
      victim_pid: victim.pid ?? 0,
      other_jobs_word: 'word-of-another-job-',
    },
    async touched() {
      const changed: string[] = [...heard];
      for (const file of Object.values(files)) {
        const content = await readFile(file, 'utf8').catch(() => 'gone');
        if (content !== secret) changed.push(`${file} is ${content}`);
      }
      if (victim.exitCode !== null || victim.signalCode !== null) changed.push('a process of the host was killed');
      return changed;
    },
    async close() {
      delete process.env['SECRET_OF_THE_HOST'];
      victim.kill('SIGKILL');
      for (const server of servers) server.close();
      udp.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
