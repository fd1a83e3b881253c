import { aptInstall, isDebianPython } from './debian.ts';
import type { Discovered } from './discover.ts';
import { installedPackages } from './packages.ts';
import { prepare, type PrepareOptions } from './prepare.ts';
import type { HostInterpreter } from './runtime.ts';

export interface Filled {
  interpreter: HostInterpreter;
  packages: Map<string, string>;
  /** What is missing all the same, and what mends it. */
  detail?: string;
}

const listFormat = new Intl.ListFormat('en', { type: 'conjunction' });
export const listed = (names: readonly string[]): string => listFormat.format(names);

/** Which of the required packages jobs could not import. */
export const missing = (names: readonly string[], packages: ReadonlyMap<string, string>): string[] =>
  names.filter((name) => !packages.has(name));

const installedLine = (names: readonly string[], packages: ReadonlyMap<string, string>, startedAt: number): string => {
  const seconds = Math.round((Date.now() - startedAt) / 1000);
  return `${listed(names.map((name) => `${name} ${packages.get(name) ?? '(no version)'}`))} installed in ${seconds} s`;
};

/**
 * Gets the required packages for a runtime: from PyPI into an environment of our own, else, for Debian's Python, by
 * apt. When neither works the runtime is as good as before, and says what it lacks.
 */
export async function fill(runtime: Discovered, options: PrepareOptions): Promise<Filled> {
  const { names } = options.requirements;
  const startedAt = Date.now();
  const log = (line: string): void => options.log(`${runtime.name}: ${line}`);
  log(`installing ${listed(names)} into ${options.dir}, once`);
  const prepared = await prepare(runtime, { ...options, log });
  if ('interpreter' in prepared) {
    const { interpreter } = prepared;
    const packages = await installedPackages(interpreter);
    log(installedLine(names, packages, startedAt));
    return { interpreter, packages };
  }

  if (!options.signal.aborted && (await isDebianPython(runtime.interpreter))) {
    log(`${prepared.reason}; trying Debian’s own packages`);
    await aptInstall(
      names.map((name) => `python3-${name}`),
      options,
    );
  }
  const { interpreter } = runtime;
  const packages = await installedPackages(interpreter);
  const lacking = missing(names, packages);
  if (lacking.length === 0) {
    log(installedLine(names, packages, startedAt));
    return { interpreter, packages };
  }
  const detail = `without ${listed(lacking)}: ${prepared.reason}; to mend it, ${prepared.remedy}`;
  if (!options.signal.aborted) log(detail);
  return { interpreter, packages, detail };
}
