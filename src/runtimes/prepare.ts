import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Found } from './discover.ts';
import type { Interpreter } from './runtime.ts';

export interface PrepareOptions {
  /** Folder for environments. */
  dir: string;
  requirementsFile: string;
  /** Interpreters that may lend their pip when the one to be prepared has none. */
  others: readonly Found[];
  /** pip's and apt's settings: proxies, certificates, PIP_*. */
  environment: NodeJS.ProcessEnv;
  log: (line: string) => void;
  signal: AbortSignal;
}

const PASSED_ON = /^(PIP_.*|(https?|no|all)_proxy|SSL_CERT_.*|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|PATH|HOME|LANG|TMPDIR|SOURCE_DATE_EPOCH)$/i;

/** Runs a command to its end; its lines go to `onLine`. Rejects with what it last said. */
async function run(
  command: readonly string[],
  { environment, signal }: PrepareOptions,
  onLine: (line: string) => void = () => undefined,
): Promise<void> {
  const [program = '', ...args] = command;
  const env = Object.fromEntries(Object.entries(environment).filter(([name]) => PASSED_ON.test(name)));
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'], signal, killSignal: 'SIGKILL' });
  const last: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      last.push(line);
      if (last.length > 5) last.shift();
      onLine(line);
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`${[program, ...args.slice(0, 3)].join(' ')} … ended with ${code}: ${last.join(' | ')}`);
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** An environment's name says all that it was made from, so that it is made anew when any of that changes. */
async function environmentName(found: Found, requirementsFile: string): Promise<string> {
  const hash = createHash('sha256')
    .update(`${found.executable}\0${found.version}\0`)
    .update(await readFile(requirementsFile));
  return `python${found.series}-${hash.digest('hex').slice(0, 12)}`;
}

async function withFontList(interpreter: Interpreter): Promise<Interpreter> {
  const names = await readdir(join(interpreter.venv ?? '', 'lib')).catch(() => []);
  const fontList = names.find((name) => /^fontlist-v\d+\.json$/.test(name));
  return fontList === undefined ? interpreter : { ...interpreter, fontList };
}

/** The environment for an interpreter if it has been made already. */
export async function preparedInterpreter(
  found: Found,
  options: Pick<PrepareOptions, 'dir' | 'requirementsFile'>,
): Promise<Interpreter | undefined> {
  const venv = join(options.dir, await environmentName(found, options.requirementsFile));
  const { executable, prefix, series } = found;
  return (await exists(venv)) ? withFontList({ executable, prefix, series, venv }) : undefined;
}

/** Which interpreter's pip fills the environment: the own one's, else any other's. */
async function lenderOfPip(found: Found, options: PrepareOptions): Promise<string> {
  for (const { executable } of [found, ...options.others]) {
    try {
      await run([executable, '-m', 'pip', '--version'], options);
      return executable;
    } catch {
      options.signal.throwIfAborted();
    }
  }
  throw new Error('no interpreter on this machine has pip');
}

/**
 * Makes a virtual environment with the required packages. It is built under another name and moved to its place when it
 * is whole: a kill in between leaves nothing that could be taken for one.
 */
export async function prepareInterpreter(found: Found, options: PrepareOptions): Promise<Interpreter> {
  const { dir, requirementsFile, log } = options;
  const venv = join(dir, await environmentName(found, requirementsFile));
  const building = `${venv}.building`;
  await mkdir(dir, { recursive: true });
  for (const name of await readdir(dir)) {
    if (name.endsWith('.building')) await rm(join(dir, name), { recursive: true, force: true });
  }
  try {
    log(`preparing python${found.series}: making an environment`);
    await run([found.executable, '-m', 'venv', '--without-pip', '--symlinks', building], options);
    const lender = await lenderOfPip(found, options);
    const python = join(building, 'bin', `python${found.series}`);
    const install = [
      '-m',
      'pip',
      '--python',
      python,
      'install',
      '--no-input',
      '--disable-pip-version-check',
      '--progress-bar',
      'off',
      '--only-binary=:all:',
    ];
    await run([lender, ...install, '-r', requirementsFile], options, (line) => {
      const step = /^\s*(Collecting|Downloading|Installing collected packages:) ?(.*)$/.exec(line);
      if (step !== null) log(`preparing python${found.series}: ${step[1]?.toLowerCase()} ${step[2]}`);
    });
    await makeFontList(python, join(building, 'lib'), options);
    await rename(building, venv);
    log(`preparing python${found.series}: done`);
  } catch (error) {
    await rm(building, { recursive: true, force: true });
    throw error;
  }
  const { executable, prefix, series } = found;
  return withFontList({ executable, prefix, series, venv });
}

/** A comfort, so its failure is told and no more. */
async function makeFontList(python: string, folder: string, options: PrepareOptions): Promise<void> {
  const code = 'import matplotlib.font_manager';
  await run(['/usr/bin/env', `MPLCONFIGDIR=${folder}`, python, '-c', code], options).catch((error: unknown) =>
    options.log(`no font list could be made ahead: ${error instanceof Error ? error.message : String(error)}`),
  );
}

/** Debian's own packages, for Debian's own interpreter, where PyPI doesn't answer and the service may install. */
export async function installFromDebian(options: PrepareOptions): Promise<void> {
  options.log('PyPI does not answer: installing python3-pandas and python3-matplotlib from Debian');
  const apt = ['/usr/bin/apt-get', '-o', 'DPkg::Lock::Timeout=120', '-qq', '-y'];
  await run([...apt, 'update'], options);
  await run(
    [
      '/usr/bin/env',
      'DEBIAN_FRONTEND=noninteractive',
      ...apt,
      'install',
      '--no-install-recommends',
      'python3-pandas',
      'python3-matplotlib',
    ],
    options,
  );
}
