import { chmod, copyFile, cp, lstat, mkdir, mkdtemp, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StartError } from '../errors.ts';
import { launcherScript, networkScript } from './launcher.ts';
import { MASKED_PROC } from './masked-proc.ts';
import { INSIDE, type Host } from './plan.ts';
import { MODULES_DIR } from './plots.ts';
import type { Architecture } from './seccomp/calls.ts';
import { seccompFilter } from './seccomp/filter.ts';

/** The fork server's program; copied, for jobs' users can't enter every folder that this package may lie in. */
const AGENT = join(import.meta.dirname, '../../runtimes/python/agent');

const TOP_LEVEL = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];

/** Copied from the host's /etc, where present: nothing here names the host or its people. */
const COPIED_ETC = [
  'ld.so.cache',
  'alternatives',
  'mime.types',
  'services',
  'protocols',
  'localtime',
  'ssl/certs',
  'ssl/openssl.cnf',
  'fonts',
  'matplotlibrc',
];

const OWN_ETC: Record<string, string> = {
  passwd: 'root:x:0:0:root:/:/bin/sh\njob:x:1000:1000:job:/tmp:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n',
  group: 'root:x:0:\njob:x:1000:\nnogroup:x:65534:\n',
  hosts: '127.0.0.1 localhost job\n::1 localhost\n',
  // Without a network nobody answers there, with one the service does.
  'resolv.conf': 'nameserver 127.0.0.1\n',
  'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
  'pyvenv-usr.cfg': 'home = /usr/bin\ninclude-system-site-packages = false\n',
  'pyvenv-opt.cfg': `home = ${INSIDE.base}/bin\ninclude-system-site-packages = false\n`,
};

async function findProgram(name: string, debianPackage: string): Promise<string> {
  for (const folder of ['/usr/bin', '/bin', '/usr/local/bin']) {
    const path = join(folder, name);
    if (await lstat(path).catch(() => undefined)) return path;
  }
  throw new StartError(`${name} is not installed.`, `sudo apt-get install -y --no-install-recommends ${debianPackage}`);
}

export const architectureHere = (): Architecture => {
  if (process.arch === 'x64' || process.arch === 'arm64') return process.arch;
  throw new StartError(`There is no system-call filter for ${process.arch}.`, 'run on x86_64 or arm64');
};

/** One folder, to be one mount: each mount costs every job time. */
async function copyEtc(folder: string): Promise<void> {
  // Debian's interpreters have files of theirs there.
  const python = (await readdir('/etc')).filter((name) => name.startsWith('python3'));
  for (const name of [...COPIED_ETC, ...python]) {
    const source = join('/etc', name);
    if (await lstat(source).catch(() => undefined)) {
      // Links stay links: what they point to is inside as well, or not there.
      await cp(source, join(folder, name), { recursive: true, verbatimSymlinks: true });
    }
  }
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(OWN_ETC)) await writeFile(join(folder, name), text);
}

/** Ours, read by any user, wherever the package lies and whoever may read it there. */
async function copyModules(folder: string): Promise<void> {
  await mkdir(folder);
  for (const name of (await readdir(MODULES_DIR)).filter((each) => each.endsWith('.py'))) {
    await copyFile(join(MODULES_DIR, name), join(folder, name));
    await chmod(join(folder, name), 0o644);
  }
}

/** Work folders of services that were killed: empty mount points and a few text files. Those of living services have another name. */
async function sweepWorkDirs(prefix: string): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(prefix)) continue;
    const path = join(tmpdir(), name);
    if ((await lstat(path)).uid === process.getuid?.()) await rm(path, { recursive: true, force: true });
  }
}

/** What this machine has to build sandboxes from, with a fresh work folder. `instance` must be the same for each start of one service, and no other's. */
export async function discoverHost(instance: string): Promise<Host> {
  const [bwrap, perl] = await Promise.all([findProgram('bwrap', 'bubblewrap'), findProgram('perl', 'perl-base')]);
  const prefix = `job-runner-${instance}-`;
  await sweepWorkDirs(prefix);
  const workDir = await mkdtemp(join(tmpdir(), prefix));
  await chmod(workDir, 0o711);
  // A service's umask must not keep jobs' users out of what they need.
  const umask = process.umask(0o022);
  try {
    await mkdir(join(workDir, 'm'));
    await copyEtc(join(workDir, 'etc'));
    for (const [script, name] of [
      [launcherScript, 'init.pl'],
      [networkScript, 'job-network.pl'],
    ] as const) {
      await copyFile(script, join(workDir, name));
      await chmod(join(workDir, name), 0o644);
    }
    await cp(AGENT, join(workDir, 'agent'), { recursive: true });
    await copyModules(join(workDir, 'modules'));
    for (const path of ['seccomp.bpf', 'agent/seccomp.bpf']) await writeFile(join(workDir, path), seccompFilter(architectureHere()));
  } finally {
    process.umask(umask);
  }

  const topLevel: Host['topLevel'][number][] = [];
  for (const path of TOP_LEVEL) {
    const found = await lstat(path).catch(() => undefined);
    if (found?.isSymbolicLink()) topLevel.push({ path, link: await readlink(path) });
    else if (found?.isDirectory()) topLevel.push({ path, folder: true });
  }
  const maskedProc: string[] = [];
  for (const name of MASKED_PROC) {
    const path = join('/proc', name);
    const found = await lstat(path).catch(() => undefined);
    if (found !== undefined && (found.mode & 0o007) !== 0) maskedProc.push(path);
  }
  return {
    root: process.getuid?.() === 0,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    workDir,
    bwrap,
    perl,
    topLevel,
    maskedProc,
  };
}

export const filterFile = (host: Host): string => join(host.workDir, 'seccomp.bpf');
