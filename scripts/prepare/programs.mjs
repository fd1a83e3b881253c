import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { say, step, stop } from './say.mjs';

/**
 * Programs of the system: the Debian packages that bring each, and what it is for. To add one, add it here and to the
 * commands of run.mjs that need it. What is `optional`, the service does without, and says so; what is `notEverywhere`, not all of
 * the distributions have.
 */
const PROGRAMS = {
  bwrap: { packages: ['bubblewrap'], purpose: 'isolates jobs', isThere: () => needsNoBubblewrap() || onPath('bwrap') },
  perl: { packages: ['perl-base'], purpose: 'starts jobs', isThere: () => needsNoBubblewrap() || onPath('perl') },
  python3: { packages: ['python3', 'python3-venv'], purpose: 'runs jobs', isThere: () => inContainers() || hasPython() },
  dockerd: {
    packages: ['docker.io'],
    purpose: 'runs the tests’ containers',
    testsOnly: true,
    isThere: () => !isRoot() || onPath('dockerd'),
  },
  'docker-compose': {
    packages: ['docker-compose'],
    purpose: 'runs docker-compose.yml for the tests',
    testsOnly: true,
    isThere: () => !isRoot() || onPath('docker-compose'),
  },
  podman: {
    packages: ['podman'],
    purpose: 'runs the tests’ containers where Docker does not',
    testsOnly: true,
    isThere: () => !isRoot() || onPath('podman'),
  },
  runsc: {
    packages: ['runsc'],
    purpose: 'is gVisor, for the tests’ containers',
    testsOnly: true,
    notEverywhere: true,
    isThere: () => !isRoot() || onPath('runsc'),
  },
  mmdebstrap: {
    packages: ['mmdebstrap'],
    purpose: 'makes images for tests',
    testsOnly: true,
    isThere: () => !isRoot() || onPath('mmdebstrap'),
  },
  radosgw: {
    packages: ['radosgw', 'ceph-mon', 'ceph-osd', 'ceph-common'],
    purpose: 'plays an S3 server for the tests',
    testsOnly: true,
    isThere: () => ['radosgw', 'ceph-mon', 'ceph-osd', 'ceph'].every(onPath),
  },
  'redis-server': { packages: ['redis-server'], purpose: 'keeps jobs in tests', testsOnly: true, isThere: () => onPath('redis-server') },
  slirp4netns: {
    packages: ['slirp4netns'],
    purpose: 'connects jobs that ask for a network',
    optional: true,
    isThere: () => networkIsOff() || onPath('slirp4netns'),
  },
  nft: { packages: ['nftables'], purpose: 'filters that network', optional: true, isThere: () => networkIsOff() || onPath('nft') },
  ip: { packages: ['iproute2'], purpose: 'makes the tests’ networks', testsOnly: true, isThere: () => onPath('ip') },
  chromium: { packages: ['chromium'], purpose: 'shows pages to the tests', testsOnly: true, isThere: () => onPath('chromium') },
};

const isRoot = () => process.getuid?.() === 0;
/** Jobs run in containers, on the interpreters of images. */
const inContainers = () => process.env.SANDBOX === 'docker' || process.env.USE_DOCKER === '1';
const needsNoBubblewrap = () => process.env.SANDBOX === 'none' || inContainers();
const networkIsOff = () => needsNoBubblewrap() || process.env.NET_OUTBOUND === '0';

function onPath(program) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/sbin', '/usr/local/bin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Any at all: whether one of them will do, the service finds out itself (src/runtimes). */
const hasPython = () =>
  onPath('python3') ||
  (process.env.PYTHON_SEARCH_PATH ?? '') !== '' ||
  ['.pyenv/versions', '.local/share/uv/python'].some((folder) => existsSync(join(homedir(), folder)));

export const missingPrograms = (names) => names.filter((name) => !PROGRAMS[name].isThere() && !isDoneWithout(name));

/** An optional program that can't be had is not asked for at every start: not where we may not install, else once a day. */
const TRIED = 'node_modules/.optional-programs-tried';
const DAY_MS = 86_400_000;
function isDoneWithout(name) {
  if (!PROGRAMS[name].optional || process.env.CI) return false;
  return !mayInstall() || Date.now() - (statSync(TRIED, { throwIfNoEntry: false })?.mtimeMs ?? 0) < DAY_MS;
}

/** Debian's and Ubuntu's package manager, where this user may use it. */
const APT_GET = '/usr/bin/apt-get';
const mayInstall = () => isRoot() && existsSync(APT_GET);

function aptGet(...args) {
  const { status, stdout, stderr } = spawnSync(APT_GET, ['-q', '-y', '-o', 'DPkg::Lock::Timeout=300', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    encoding: 'utf8',
    maxBuffer: Infinity,
  });
  return { done: status === 0, said: `${stdout}${stderr}` };
}

function aptInstall(packages) {
  const install = () => aptGet('install', '--no-install-recommends', ...packages);
  if (install().done) return;
  // A fresh machine has no package lists, and an old one's name versions that are gone.
  say('  reading the package lists first');
  const update = aptGet('update');
  const { done, said } = install();
  if (!done) say(`${update.done ? '' : update.said}${said}`);
}

/** Installs what is missing where we may; else says how to. Ends the program when something is missing then that can't be done without. */
export function installPrograms(names) {
  if (names.length === 0) return;
  const packages = (of) => of.flatMap((name) => PROGRAMS[name].packages);
  // By themselves: one that is not to be had keeps all from being installed.
  const odd = names.filter((name) => PROGRAMS[name].notEverywhere);
  const usual = names.filter((name) => !odd.includes(name));
  for (const some of [usual, ...odd.map((name) => [name])].filter((each) => each.length > 0 && mayInstall()))
    step(`Installing ${packages(some).join(', ')} with apt-get`, () => aptInstall(packages(some)));

  const missing = missingPrograms(names);
  if (missing.length === 0) return;
  if (missing.some((name) => PROGRAMS[name].optional)) writeFileSync(TRIED, '');
  const purposes = missing.map((name) => `${name} (${PROGRAMS[name].purpose})`).join(', ');
  const sudo = process.getuid?.() === 0 ? '' : 'sudo ';
  const command = `${sudo}apt-get install -y --no-install-recommends ${packages(missing).join(' ')}`;
  // Tests that miss their service skip and say so, but continuous integration must not be green without having run them.
  const isNeeded = ({ testsOnly, optional, notEverywhere }) => !notEverywhere && (process.env.CI || !(testsOnly || optional));
  const canDoWithout = !missing.some((name) => isNeeded(PROGRAMS[name]));
  if (!canDoWithout) stop(`Missing on this machine: ${purposes}.`, command);
  say(`Missing on this machine: ${purposes}. What needs it is skipped.\n  → ${command}`);
}
