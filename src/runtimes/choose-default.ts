import { StartError } from '../errors.ts';
import { aptCommand } from './debian.ts';

/** What the documentation of the jobs' API promises where it can be had. */
const PREFERRED = 'python3.12';

interface Wishes {
  defaultRuntime: string | undefined;
  aliases: Readonly<Record<string, string>>;
  searchPath: readonly string[] | undefined;
}

/** The default among the names of what was found, newest first. Throws a StartError when there is none, or when the configuration names what isn't there. */
export function chooseDefault(names: readonly string[], { defaultRuntime, aliases, searchPath }: Wishes): string {
  const newest = names[0];
  if (newest === undefined) {
    const where = searchPath === undefined ? 'on this machine' : `in ${searchPath.join(', ')}`;
    throw new StartError(`There is no Python 3.9 or newer ${where}.`, aptCommand(['python3', 'python3-venv']));
  }
  const there = `there are ${names.join(', ')}`;
  for (const [alias, target] of Object.entries(aliases)) {
    if (!names.includes(target)) throw new StartError(`RUNTIME_ALIASES maps ${alias} onto ${target}, which is not on this machine.`, there);
  }
  if (defaultRuntime === undefined) return names.includes(PREFERRED) ? PREFERRED : newest;
  const wanted = aliases[defaultRuntime] ?? defaultRuntime;
  if (!names.includes(wanted)) throw new StartError(`DEFAULT_RUNTIME=${defaultRuntime} is not on this machine.`, there);
  return wanted;
}
