import { join } from 'node:path';
import { StartError } from '../errors.ts';
import { discoverInterpreters, searchPath, type Found } from './discover.ts';
import { installedPackages } from './packages.ts';
import { installFromDebian, preparedInterpreter, prepareInterpreter, type PrepareOptions } from './prepare.ts';
import type { Interpreter, Runtime, Runtimes } from './runtime.ts';

export interface RuntimesOptions {
  /** Folder for the environments that are made. */
  dir: string;
  defaultRuntime: string | undefined;
  aliases: Readonly<Record<string, string>>;
  packages: 'prepare' | 'off';
  searchPath: readonly string[] | undefined;
  requirementsFile?: string;
  /** Of the service; for HOME, PYENV_ROOT, and what pip needs. */
  environment: NodeJS.ProcessEnv;
  log: (line: string) => void;
}

const REQUIREMENTS = join(import.meta.dirname, '../../runtimes/python/requirements.txt');
const PREFERRED = 'python3.12';

const nameOf = (found: Found): string => `python${found.series}`;

/**
 * Finds the interpreters of this machine; the default one gets its packages in the background, and is `preparing` until
 * then. Failing at that doesn't stop anything: the runtime is then ready without them, and says what is missing.
 *
 * @throws StartError when there is no interpreter, or the default one that was asked for is not there
 */
export async function createRuntimes(options: RuntimesOptions): Promise<Runtimes> {
  const { aliases, environment, log } = options;
  const found = await discoverInterpreters(options.searchPath ?? searchPath(environment['HOME'], environment['PYENV_ROOT']));
  const newest = found[0];
  if (newest === undefined)
    throw new StartError('There is no Python 3.9 or later on this machine.', 'sudo apt-get install -y --no-install-recommends python3');
  const wanted = options.defaultRuntime === undefined ? undefined : (aliases[options.defaultRuntime] ?? options.defaultRuntime);
  const main =
    wanted === undefined ? (found.find((each) => nameOf(each) === PREFERRED) ?? newest) : found.find((each) => nameOf(each) === wanted);
  if (main === undefined) {
    throw new StartError(
      `DEFAULT_RUNTIME=${options.defaultRuntime} is not on this machine.`,
      `choose one of: ${found.map(nameOf).join(', ')}`,
    );
  }
  for (const [alias, target] of Object.entries(aliases)) {
    if (!found.some((each) => nameOf(each) === target))
      throw new StartError(
        `RUNTIME_ALIASES: ${alias} means ${target}, which is not on this machine.`,
        `choose one of: ${found.map(nameOf).join(', ')}`,
      );
  }

  const stopping = new AbortController();
  const listeners = new Set<() => void>();
  const runtimes = new Map<string, Runtime>();
  const put = async (each: Found, interpreter: Interpreter, state: Runtime['state'], detail?: string): Promise<void> => {
    const packages = await installedPackages(interpreter);
    runtimes.set(nameOf(each), {
      name: nameOf(each),
      version: each.version,
      state,
      packages,
      interpreter,
      ...(detail === undefined ? {} : { detail }),
    });
    for (const listener of listeners) listener();
  };
  const bare = ({ executable, prefix, series }: Found): Interpreter => ({ executable, prefix, series });

  for (const each of [main, ...found.filter((other) => other !== main)]) await put(each, bare(each), 'ready');
  let preparing: Promise<void> = Promise.resolve();
  if (options.packages === 'prepare') {
    const prepare: PrepareOptions = {
      dir: options.dir,
      requirementsFile: options.requirementsFile ?? REQUIREMENTS,
      others: found,
      environment,
      log,
      signal: stopping.signal,
    };
    const made = await preparedInterpreter(main, prepare);
    if (made !== undefined) await put(main, made, 'ready');
    else {
      await put(main, bare(main), 'preparing', 'its packages are being installed; jobs wait until they are');
      preparing = fill(main, prepare, put);
    }
  }

  const get = (name: string): Runtime | undefined => runtimes.get(name);
  return {
    defaultName: nameOf(main),
    list: () => [...runtimes.values()],
    get,
    // One that is there goes before an alias of the same name.
    resolve: (name) => get(name) ?? get(aliases[name] ?? ''),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      stopping.abort();
      await preparing;
    },
  };
}

async function fill(
  main: Found,
  options: PrepareOptions,
  put: (found: Found, interpreter: Interpreter, state: Runtime['state'], detail?: string) => Promise<void>,
): Promise<void> {
  const bare: Interpreter = { executable: main.executable, prefix: main.prefix, series: main.series };
  try {
    return await put(main, await prepareInterpreter(main, options), 'ready');
  } catch (error) {
    if (options.signal.aborted) return;
    options.log(`preparing ${nameOf(main)} failed: ${error instanceof Error ? error.message : String(error)}`);
  }
  try {
    if (main.prefix === '/usr' && process.getuid?.() === 0) {
      await installFromDebian(options);
      return await put(main, bare, 'ready');
    }
  } catch (error) {
    if (options.signal.aborted) return;
    options.log(`Debian's packages could not be installed either: ${error instanceof Error ? error.message : String(error)}`);
  }
  const remedy = 'numpy, pandas and matplotlib are missing: let PyPI be reached and start again, or set RUNTIME_PACKAGES=off to do without';
  await put(main, bare, 'ready', remedy);
}
