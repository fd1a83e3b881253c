import { chooseDefault } from './choose-default.ts';
import { discover, type Discovered } from './discover.ts';
import { fill, listed, missing } from './fill.ts';
import { installedPackages, mainPackages } from './packages.ts';
import { findPrepared } from './prepare.ts';
import { OUR_REQUIREMENTS, readRequirements, type Requirements } from './requirements.ts';
import type { Runtime, Runtimes } from './runtime.ts';

export interface RuntimesOptions {
  /** Folder for the virtual environments of runtimes; made when needed. */
  dir: string;
  defaultRuntime: string | undefined;
  /** From a client's word to a runtime's name. */
  aliases: Readonly<Record<string, string>>;
  /** `off`: jobs have what the machine's interpreters have. */
  packages: 'prepare' | 'off';
  /** Folders to search for interpreters instead of the usual ones. */
  searchPath: readonly string[] | undefined;
  /** The machine's environment: where homes, proxies and package indexes are. Programs that we run get no more of it than that. */
  environment: NodeJS.ProcessEnv;
  log: (line: string) => void;
  /** Folder with what to prepare, instead of our own. */
  requirementsDir?: string;
}

/** An interpreter with the environment that an earlier start has made for it. */
async function withPrepared(found: Discovered, options: RuntimesOptions, requirements: Requirements): Promise<Discovered> {
  if (options.packages === 'off') return found;
  const interpreter = await findPrepared(found, { dir: options.dir, requirements });
  return interpreter === undefined ? found : { ...found, interpreter, packages: await installedPackages(interpreter) };
}

const runtimeOf = ({ name, version, interpreter, packages }: Discovered, state: Runtime['state'], detail?: string): Runtime => ({
  name,
  version,
  interpreter,
  state,
  packages: mainPackages(packages),
  ...(detail === undefined ? {} : { detail }),
});

/**
 * Finds what can run here. All runtimes are ready at once but the default one, which is `preparing` until its packages
 * are there or can't be had. Throws a StartError when there is none, or when the configuration names one that isn't here.
 */
export async function createRuntimes(options: RuntimesOptions): Promise<Runtimes> {
  const requirements = await readRequirements(options.requirementsDir ?? OUR_REQUIREMENTS);
  const bare = await discover(options.searchPath, options.environment);
  const found = await Promise.all(bare.map((each) => withPrepared(each, options, requirements)));
  const defaultName = chooseDefault(
    found.map(({ name }) => name),
    options,
  );

  const runtimes = new Map<string, Runtime>();
  const byDefault = found.toSorted((a, b) => Number(b.name === defaultName) - Number(a.name === defaultName));
  for (const each of byDefault) runtimes.set(each.name, runtimeOf(each, 'ready'));

  const listeners = new Set<() => void>();
  const closing = new AbortController();
  const prepareDefault = async (chosen: Discovered, lacking: readonly string[]): Promise<void> => {
    runtimes.set(chosen.name, runtimeOf(chosen, 'preparing', `installing ${listed(lacking)}; jobs wait for that`));
    const others = bare.filter(({ name }) => name !== chosen.name).map(({ interpreter }) => interpreter);
    const { detail, ...filled } = await fill(chosen, { ...options, requirements, others, signal: closing.signal });
    if (closing.signal.aborted) return;
    runtimes.set(chosen.name, runtimeOf({ ...chosen, ...filled }, 'ready', detail));
    for (const listener of listeners) listener();
  };

  let preparing: Promise<void> | undefined;
  const chosen = found.find(({ name }) => name === defaultName);
  if (options.packages === 'prepare' && chosen !== undefined) {
    const lacking = missing(requirements.names, chosen.packages);
    if (lacking.length > 0) preparing = prepareDefault(chosen, lacking);
  }

  return {
    list: () => [...runtimes.values()],
    get: (name) => runtimes.get(name),
    resolve: (name) => runtimes.get(options.aliases[name] ?? name),
    defaultName,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      closing.abort();
      await preparing;
    },
  };
}
