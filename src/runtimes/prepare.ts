import { access, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../errors.ts';
import { installerEnvironment } from './child-environment.ts';
import { aptCommand, aptInstall } from './debian.ts';
import type { Discovered } from './discover.ts';
import { findFontList, makeFontList } from './font-list.ts';
import { findPip, pipProgram } from './pip.ts';
import type { Requirements } from './requirements.ts';
import { runProgram, type ProgramEnd } from './run-program.ts';
import type { HostInterpreter } from './runtime.ts';

export interface PrepareOptions {
  /** Folder for virtual environments. Services may share it. */
  dir: string;
  requirements: Requirements;
  /** Other interpreters of this machine, whose pip may be borrowed. */
  others: readonly HostInterpreter[];
  environment: NodeJS.ProcessEnv;
  log: (line: string) => void;
  signal: AbortSignal;
}

export type Prepared = { interpreter: HostInterpreter } | Unprepared;
export interface Unprepared {
  /** Why not, as a sentence. */
  reason: string;
  /** What mends it. */
  remedy: string;
}

const STAGING = '.preparing-';
const VENV_TIMEOUT_MS = 60_000;
const INSTALL_TIMEOUT_MS = 15 * 60_000;
/** Older than this, a staging folder is nobody's any more. */
const ABANDONED_MS = 2 * INSTALL_TIMEOUT_MS;
const ANY_PIP = 'python3-pip-whl';

/** Where the environment for these requirements is, or will be. A folder of this name is complete: it got the name last. */
const environmentFolder = (runtime: Discovered, { dir, requirements }: Pick<PrepareOptions, 'dir' | 'requirements'>): string =>
  join(dir, `python${runtime.version}-${process.arch}-${requirements.hash}`);

/** An interpreter with the environment that an earlier start has made for it. */
export async function findPrepared(
  runtime: Discovered,
  options: Pick<PrepareOptions, 'dir' | 'requirements'>,
): Promise<HostInterpreter | undefined> {
  const venv = environmentFolder(runtime, options);
  const isThere = await access(venv).then(
    () => true,
    () => false,
  );
  return isThere ? withEnvironment(runtime.interpreter, venv) : undefined;
}

async function withEnvironment(interpreter: HostInterpreter, venv: string): Promise<HostInterpreter> {
  const fontList = await findFontList(venv);
  return { ...interpreter, venv, ...(fontList === undefined ? {} : { fontList }) };
}

/** Makes a virtual environment with the required packages. A service killed meanwhile leaves nothing that looks like one. */
export async function prepare(runtime: Discovered, options: PrepareOptions): Promise<Prepared> {
  let staging: string | undefined;
  try {
    await mkdir(options.dir, { recursive: true });
    await sweep(options.dir);
    staging = await mkdtemp(join(options.dir, STAGING));
    return await install(runtime, staging, options);
  } catch (error) {
    return {
      reason: `${options.dir} can't be written to (${errnoOf(error) ?? String(error)})`,
      remedy: 'make room, or let this user write there, and start again',
    };
  } finally {
    if (staging !== undefined) await rm(staging, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function install(runtime: Discovered, staging: string, options: PrepareOptions): Promise<Prepared> {
  const pip = await pipFor(runtime.interpreter, options);
  if (pip === undefined) return { reason: `no pip was found for ${runtime.name}`, remedy: `${aptCommand([ANY_PIP])}, and start again` };
  const venv = join(staging, 'venv');
  const made = await runReadable(
    runtime.interpreter.executable,
    ['-I', '-m', 'venv', '--without-pip', venv],
    VENV_TIMEOUT_MS,
    staging,
    options,
  );
  if (made.code !== 0) {
    return {
      reason: `${runtime.name} can't make a virtual environment: ${causeOf(made)}`,
      remedy: `${aptCommand(['python3-venv'])}, and start again`,
    };
  }
  const end = await runReadable(
    join(venv, 'bin', 'python'),
    pipArgs(await pipProgram(pip, staging), options.requirements),
    INSTALL_TIMEOUT_MS,
    staging,
    options,
  );
  if (end.code !== 0)
    return {
      reason: `pip could not install them: ${causeOf(end)}`,
      remedy: 'connect this machine to PyPI (pip’s own settings apply), and start again',
    };
  await makeFontList(venv, options.signal);
  return { interpreter: await withEnvironment(runtime.interpreter, await publish(venv, environmentFolder(runtime, options))) };
}

async function pipFor(interpreter: HostInterpreter, { others, environment, signal, log }: PrepareOptions): Promise<string | undefined> {
  const pip = await findPip(interpreter, others);
  if (pip !== undefined) return pip;
  log(`installing ${ANY_PIP} with apt, as no Python here has pip`);
  await aptInstall([ANY_PIP], { environment, signal });
  return findPip(interpreter, others);
}

/** `--compile`: jobs see the packages read-only, and could not keep what they compile. */
const pipArgs = (pip: string, { requirementsFile, constraintsFile }: Requirements): string[] => [
  ...['-I', pip, 'install', '--no-user', '--only-binary=:all:', '--compile', '--progress-bar=off', '--no-input'],
  ...['--disable-pip-version-check', '--no-python-version-warning', '-r', requirementsFile, '-c', constraintsFile],
];

/** Runs a program whose files every user may read, whatever the service's umask: jobs are other users. */
function runReadable(
  program: string,
  args: readonly string[],
  timeoutMs: number,
  staging: string,
  options: PrepareOptions,
): Promise<ProgramEnd> {
  // Its own values first: the machine's pip settings win. pip's would wait minutes for a network that isn't there.
  const env = { PIP_DEFAULT_TIMEOUT: '20', PIP_RETRIES: '2', ...installerEnvironment(options.environment), TMPDIR: staging };
  return runProgram('/bin/sh', ['-c', 'umask 022; exec "$@"', 'sh', program, ...args], {
    env,
    timeoutMs,
    signal: options.signal,
    onLine: (line) => {
      const downloading = /^\s*(Downloading \S+ \(.*\))/.exec(line)?.[1];
      if (downloading !== undefined) options.log(downloading);
    },
  });
}

/** The error that names the cause, rather than the hints that pip puts around it. */
function causeOf({ stdout, stderr, failure }: ProgramEnd): string {
  if (failure !== undefined) return failure;
  // pip then ends with "no matching distribution", as if it had looked.
  if (/^WARNING: Retrying .* after connection broken/m.test(stderr)) return 'the package index could not be reached';
  const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '');
  return (lines.findLast((line) => line.startsWith('ERROR:')) ?? lines.at(-1) ?? 'no reason given').replace(/^ERROR:\s*/, '').trim();
}

async function publish(venv: string, folder: string): Promise<string> {
  try {
    await rename(venv, folder);
  } catch (error) {
    // Another service was quicker, and its environment is the same.
    if (errnoOf(error) !== 'ENOTEMPTY' && errnoOf(error) !== 'EEXIST') throw error;
  }
  return folder;
}

/** What services that were killed have left. */
async function sweep(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    if (!name.startsWith(STAGING)) continue;
    const folder = join(dir, name);
    const age = Date.now() - (await stat(folder)).mtimeMs;
    if (age > ABANDONED_MS) await rm(folder, { recursive: true, force: true });
  }
}
