#!/usr/bin/env node
// `npm start`, `npm test` and the rest: first prepares what is missing (packages, build, system programs), then runs it on
// the Node that comes with the packages. This file itself runs on any Node from 18 on, and on nothing else.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.chdir(root);

/** What each command needs, and what it runs. */
const COMMANDS = {
  start: { build: true, programs: ['bwrap', 'perl', 'python3'], wanted: [], run: (args) => ['dist/main.js', ...args] },
  test: {
    build: true,
    programs: ['bwrap', 'perl', 'python3'],
    wanted: ['chromium'],
    run: (args) => ['node_modules/vitest/vitest.mjs', 'run', ...args],
  },
  bench: { build: true, programs: ['bwrap', 'perl', 'python3'], wanted: [], run: (args) => ['bench/bench.ts', ...args] },
  build: { build: true, programs: [], wanted: [], run: undefined },
};

/** Program and the Debian package that brings it. */
const PACKAGES = { bwrap: 'bubblewrap', perl: 'perl-base', python3: 'python3', chromium: 'chromium' };

const say = (text) => process.stderr.write(`${text}\n`);

function stop(problem, remedy) {
  say(`\n${problem}\n  → ${remedy}\n`);
  process.exit(1);
}

function isInstalled(program) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Two that start at once must not both write node_modules or dist. */
function withLock(work) {
  const lock = join(root, '.prepare-lock');
  const isAlive = (pid) => {
    try {
      process.kill(pid, 0);
      return true;
    } catch (error) {
      return error.code === 'EPERM';
    }
  };
  for (let told = false; ;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') stop(`${root} can't be written to (${error.code}).`, 'clone it to a folder of your own');
      const owner = Number(existsSync(lock) ? readFileSync(lock, 'utf8') : 0);
      if (owner > 0 && !isAlive(owner)) rmSync(lock, { force: true });
      else if (!told) {
        say('Another start is preparing this folder; waiting for it …');
        told = true;
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    }
  }
  try {
    work();
  } finally {
    rmSync(lock, { force: true });
  }
}

const lockHash = () => createHash('sha256').update(readFileSync('package-lock.json')).digest('hex');
const installedStamp = 'node_modules/.installed-from';
const packagesAreStale = () => !existsSync(installedStamp) || readFileSync(installedStamp, 'utf8') !== lockHash();

function installPackages() {
  say('Installing packages (npm ci) …');
  const npm = process.env.npm_execpath === undefined ? ['npm'] : [process.execPath, process.env.npm_execpath];
  const args = [...npm.slice(1), 'ci', '--ignore-scripts', '--loglevel=error', '--no-audit', '--no-fund'];
  const { status } = spawnSync(npm[0], args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) stop('npm ci failed; what it said stands above.', 'check that the npm registry can be reached, then try again');
  writeFileSync(installedStamp, lockHash());
}

function newest(path) {
  const found = statSync(path);
  if (!found.isDirectory()) return found.mtimeMs;
  return Math.max(found.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}
const builtStamp = 'dist/.built';
const buildIsStale = () =>
  !existsSync(builtStamp) ||
  Math.max(newest('src'), ...['tsconfig.json', 'tsconfig.build.json'].map(newest)) > statSync(builtStamp).mtimeMs;

function build() {
  say('Building …');
  const before = new Date();
  rmSync('dist', { recursive: true, force: true });
  const { status } = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
  if (status !== 0) stop('The build failed; what the compiler said stands above.', 'mend it, then try again');
  mkdirSync('dist', { recursive: true });
  writeFileSync(builtStamp, before.toISOString());
}

/** Installs what is missing where that is ours to do; else says how. Returns what is still missing. */
function installPrograms(programs) {
  const missing = programs.filter((program) => !isInstalled(program));
  if (missing.length === 0) return [];
  const packages = missing.map((program) => PACKAGES[program]);
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return missing;
  say(`Installing ${packages.join(', ')} (apt-get) …`);
  const apt = (...args) =>
    spawnSync('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }).status === 0;
  const install = () => apt('install', '-y', '--no-install-recommends', ...packages);
  // The lists may be missing or old; asking for them anew takes longer than most installations.
  if (!install()) {
    apt('update');
    install();
  }
  return missing.filter((program) => !isInstalled(program));
}

const aptLine = (programs) =>
  `${process.getuid?.() === 0 ? '' : 'sudo '}apt-get install -y --no-install-recommends ${programs.map((program) => PACKAGES[program]).join(' ')}`;

function nodeToUse() {
  const own = join(root, `node_modules/node-linux-${process.arch}/bin/node`);
  if (existsSync(own)) return own;
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return process.execPath;
  return stop(
    `Node ${process.versions.node} is too old, and for ${process.platform} on ${process.arch} none comes with the packages.`,
    'install Node 24',
  );
}

/** Takes this process's place where Node can do that; else stays as a parent that only passes signals and the exit code on. */
function become(program, args) {
  if (typeof process.execve === 'function') process.execve(program, [program, ...args], { ...process.env });
  const child = spawn(program, args, { stdio: 'inherit' });
  // At a terminal, Ctrl-C reaches the child by itself; twice would mean: at once.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

const [name, ...args] = process.argv.slice(2);
const command = COMMANDS[name];
if (command === undefined) stop(`There is no command "${name}".`, `use one of: ${Object.keys(COMMANDS).join(', ')}`);

const allPrograms = [...command.programs, ...command.wanted];
if (packagesAreStale() || (command.build && buildIsStale()) || allPrograms.some((program) => !isInstalled(program))) {
  withLock(() => {
    if (packagesAreStale()) installPackages();
    if (command.build && buildIsStale()) build();
    const missing = installPrograms(allPrograms);
    const needed = missing.filter((program) => command.programs.includes(program));
    if (needed.length > 0) {
      rmSync('.prepare-lock', { force: true });
      stop(`Missing on this machine: ${needed.join(', ')}.`, aptLine(needed));
    }
    if (missing.length > 0)
      say(`Missing on this machine: ${missing.join(', ')}; tests that need it are skipped. To have them run:\n  → ${aptLine(missing)}`);
  });
}
if (command.run !== undefined) become(nodeToUse(), ['--disable-warning=ExperimentalWarning', ...command.run(args)]);
