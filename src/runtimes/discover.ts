import { findCandidates } from './candidates.ts';
import { installedPackages } from './packages.ts';
import { probe, type Found } from './probe.ts';

export interface Discovered extends Found {
  /** `python3.12`. */
  name: string;
  /** All installed packages, by normalized name. */
  packages: Map<string, string>;
}

/** Below zero when `a` is the older one. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a.split('.').map(Number), b.split('.').map(Number)];
  const differing = left.findIndex((part, index) => part !== right[index]);
  return differing === -1 ? 0 : (left[differing] ?? 0) - (right[differing] ?? 0);
}

/** Of two of one series: the later patch (it has the security fixes), then the one with pandas, then the system's own. */
function better(a: Discovered, b: Discovered): Discovered {
  const byVersion = compareVersions(a.version, b.version);
  if (byVersion !== 0) return byVersion > 0 ? a : b;
  if (a.packages.has('pandas') !== b.packages.has('pandas')) return a.packages.has('pandas') ? a : b;
  return b.interpreter.prefix === '/usr' ? b : a;
}

/** The interpreters on this machine that jobs can run on, one for each series, newest first. */
export async function discover(searchPath: readonly string[] | undefined, environment: NodeJS.ProcessEnv): Promise<Discovered[]> {
  const candidates = await findCandidates(searchPath, environment);
  const answers = await Promise.all(
    candidates.map(async (path) => {
      const found = await probe(path);
      return found && { ...found, name: `python${found.interpreter.series}`, packages: await installedPackages(found.interpreter) };
    }),
  );
  const chosen = new Map<string, Discovered>();
  for (const found of answers.filter((answer) => answer !== undefined)) {
    const rival = chosen.get(found.name);
    chosen.set(found.name, rival === undefined ? found : better(rival, found));
  }
  return [...chosen.values()].toSorted((a, b) => compareVersions(b.version, a.version));
}
