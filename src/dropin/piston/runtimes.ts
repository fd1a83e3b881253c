import semver from 'semver';
import type { KnownRuntime, RuntimeCatalog } from '../../runtimes/runtime.ts';

export const LANGUAGE = 'python';
const ALIASES = ['py', 'py3', 'python3'];

const aliasesOf = ({ name }: KnownRuntime): string[] => [...ALIASES, name];

/** GET /runtimes. */
export const pistonRuntimes = (runtimes: RuntimeCatalog): object[] =>
  runtimes.list().map((runtime) => ({ language: LANGUAGE, version: runtime.version, aliases: aliasesOf(runtime) }));

/** GET /packages. */
export const pistonPackages = (runtimes: RuntimeCatalog): object[] =>
  runtimes.list().map(({ version }) => ({ language: LANGUAGE, language_version: version, installed: true }));

/** The runtime of a language or alias whose version is in the range: the default one, for it has the packages, else the newest. */
export function findRuntime(runtimes: RuntimeCatalog, language: string, version: string): KnownRuntime | undefined {
  const inRange = runtimes
    .list()
    .filter((runtime) => language === LANGUAGE || aliasesOf(runtime).includes(language))
    .filter((runtime) => semver.satisfies(runtime.version, version));
  const [newest] = inRange.toSorted((a, b) => semver.rcompare(a.version, b.version));
  if (newest !== undefined) return inRange.find(({ name }) => name === runtimes.defaultName) ?? newest;
  // Clients that were written for one server name the patch release that it had. Any of the series will do, and
  // RUNTIME_ALIASES may put another series in its place; the answer says which one it was.
  const exact = language === LANGUAGE || ALIASES.includes(language) ? semver.parse(version) : null;
  return exact === null ? undefined : runtimes.resolve(`python${exact.major}.${exact.minor}`);
}
