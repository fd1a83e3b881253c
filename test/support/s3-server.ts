import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { sharedFolder, sharedService, startShared } from './shared-services.ts';

/** A real S3 server: Ceph's RADOS gateway over a cluster of one, all in memory. */
export interface S3Server {
  endpoint: string;
  accessKeyId: string;
  secretAccessKey: string;
}

/** Absent, what needs it is a reported skip; where everything must be proved, it fails. */
export const hasS3Server =
  ['radosgw', 'ceph-mon', 'ceph-osd', 'ceph'].every((program) => existsSync(`/usr/bin/${program}`)) || process.env['CI'] !== undefined;

export const s3Server = (): Promise<S3Server> => sharedService('s3', start);

const run = promisify(execFile);

/** Lets somebody else in, too. */
export async function addS3User(
  uid: string,
  { accessKeyId, secretAccessKey }: Pick<S3Server, 'accessKeyId' | 'secretAccessKey'>,
): Promise<void> {
  await addUser(sharedFolder('s3'), uid, accessKeyId, secretAccessKey);
}

const addUser = (dir: string, uid: string, accessKeyId: string, secretAccessKey: string): Promise<unknown> =>
  run('radosgw-admin', [
    ...['-c', join(dir, 'ceph.conf'), '-n', 'client.rgw', 'user', 'create', '--uid', uid, '--display-name', uid],
    ...['--access-key', accessKeyId, '--secret-key', secretAccessKey],
  ]);

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await condition().catch(() => false))) {
    if (Date.now() > deadline) throw new Error(`${what} has not come up in a minute`);
    await delay(100);
  }
}

/** One of everything, one copy of everything, nothing on disk; pools of one group are made quickly. */
const configuration = (dir: string, fsid: string, monitor: string, port: number): string => `
[global]
fsid = ${fsid}
keyring = ${dir}/keyring
mon initial members = a
mon host = ${monitor}
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
run dir = ${dir}
admin socket = ${dir}/$name.asok
log file = ${dir}/$name.log
pid file = ${dir}/$name.pid
[mon.a]
mon data = ${dir}/mon
mon cluster log file = ${dir}/cluster.log
[osd.0]
osd data = ${dir}/osd
osd objectstore = memstore
memstore device bytes = 2147483648
[client.rgw]
rgw data = ${dir}/rgw
rgw frontends = beast endpoint=127.0.0.1:${port}
rgw thread pool size = 32
rgw gc obj min wait = 10
rgw gc processor period = 10
`;

async function start(dir: string): Promise<S3Server> {
  const [port, monitorPort] = [await freePort(), await freePort()];
  const monitor = `[v2:127.0.0.1:${monitorPort}]`;
  const fsid = randomUUID();
  const file = join(dir, 'ceph.conf');
  const keyring = join(dir, 'keyring');
  const map = join(dir, 'monmap');
  for (const folder of ['mon', 'osd', 'rgw']) await mkdir(join(dir, folder));
  await writeFile(file, configuration(dir, fsid, monitor, port));

  const newKey = (name: string, ...caps: string[]): Promise<unknown> =>
    run('ceph-authtool', [keyring, '--gen-key', '-n', name, ...caps.flatMap((cap) => ['--cap', ...cap.split('=')])]);
  await run('ceph-authtool', ['--create-keyring', keyring, '--gen-key', '-n', 'mon.', '--cap', 'mon', 'allow *']);
  await newKey('client.admin', 'mon=allow *', 'osd=allow *', 'mgr=allow *');
  await newKey('client.rgw', 'mon=allow rwx', 'osd=allow rwx', 'mgr=allow rwx');
  await newKey('osd.0', 'mon=allow profile osd', 'osd=allow *');
  await run('monmaptool', ['--create', '--addv', 'a', monitor, '--fsid', fsid, map]);

  const ceph = (...args: string[]): Promise<{ stdout: string }> => run('ceph', ['-c', file, '--connect-timeout', '20', ...args]);
  await run('ceph-mon', ['-c', file, '--id', 'a', '--mkfs', '--monmap', map, '--keyring', keyring]);
  await startShared(dir, 'mon', 'ceph-mon', ['-c', file, '--id', 'a', '-f']);
  await ceph('osd', 'create');
  await run('ceph-osd', ['-c', file, '--id', '0', '--mkfs']);
  await ceph('osd', 'crush', 'add', 'osd.0', '1', 'root=default', 'host=host');
  await startShared(dir, 'osd', 'ceph-osd', ['-c', file, '--id', '0', '-f']);
  await until('the object store', async () => (await ceph('osd', 'stat')).stdout.includes('1 up'));
  await startShared(dir, 'rgw', 'radosgw', ['-c', file, '-n', 'client.rgw', '-f']);

  const server = { endpoint: `http://127.0.0.1:${port}`, accessKeyId: 'AKIATESTS', secretAccessKey: 'a-secret-of-the-tests' };
  await until('the S3 gateway', async () => (await fetch(server.endpoint)).status === 200);
  await addUser(dir, 'tests', server.accessKeyId, server.secretAccessKey);
  return server;
}
