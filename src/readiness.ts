import type { Artifacts } from './artifacts/artifacts.ts';
import { StartError } from './errors.ts';
import type { Readiness, ReadinessPart } from './http/health.ts';
import type { RuntimeCatalog } from './runtimes/runtime.ts';
import type { Sandbox, SandboxHealth } from './sandbox/sandbox.ts';
import type { Store, WorkerInfo } from './store/store.ts';

export interface ReadinessParts {
  store: Store;
  artifacts: Artifacts;
  runtimes: RuntimeCatalog;
  /** This process's own, as it was found at start: a sandbox is not tried out for each request. Undefined: jobs run elsewhere only. */
  sandbox: (SandboxHealth & { name: Sandbox['name'] }) | undefined;
  /** Workers alive, where there may be several. */
  workers: (() => readonly WorkerInfo[]) | undefined;
}

/** What holds for a job wherever it runs. */
function sandboxOf(workers: readonly WorkerInfo[]): Partial<ReadinessPart> {
  const guarantees: Record<string, boolean> = {};
  for (const { sandbox } of workers) {
    for (const [name, held] of Object.entries(sandbox.guarantees)) guarantees[name] = held && guarantees[name] !== false;
  }
  const names = new Set(workers.map(({ sandbox }) => sandbox.name));
  return { detail: [...names].join(', '), guarantees, notes: [...new Set(workers.flatMap(({ sandbox }) => sandbox.notes))] };
}

function hostParts({ sandbox, workers }: ReadinessParts): ReadinessPart[] {
  if (workers === undefined) {
    if (sandbox === undefined) return [];
    return [{ name: 'sandbox', ok: true, detail: sandbox.name, guarantees: { ...sandbox.guarantees }, notes: sandbox.notes }];
  }
  const alive = workers();
  if (alive.length === 0) {
    return [
      { name: 'workers', ok: false, detail: 'there is none; jobs are accepted and wait', remedy: 'start one or many: npm run worker' },
    ];
  }
  const slots = alive.reduce((sum, { concurrency }) => sum + concurrency, 0);
  return [
    { name: 'workers', ok: true, detail: `${alive.length} alive, for ${slots} jobs at once` },
    { name: 'sandbox', ok: true, detail: '', ...sandboxOf(alive) },
  ];
}

async function probe(name: string, driver: string, check: () => Promise<void>): Promise<ReadinessPart> {
  try {
    await check();
    return { name, ok: true, detail: driver };
  } catch (error) {
    return error instanceof StartError
      ? { name, ok: false, detail: error.message, remedy: error.remedy }
      : { name, ok: false, detail: `${driver} does not answer`, remedy: 'see the service’s log' };
  }
}

/** What GET /readyz answers: one entry for each part, and what mends it. */
export function createReadiness(parts: ReadinessParts): () => Promise<Readiness> {
  return async () => {
    const runtimes = parts.runtimes.list();
    const main = runtimes[0];
    const withoutNetwork = runtimes.flatMap(({ name, noNetwork }) =>
      noNetwork === undefined ? [] : [`net_policy can only be none on ${name} (${noNetwork.reason}): ${noNetwork.remedy}`],
    );
    const entries: ReadinessPart[] = [
      await probe('store', parts.store.name, () => parts.store.check()),
      await probe('artifacts', parts.artifacts.name, () => parts.artifacts.check()),
      ...hostParts(parts),
      {
        name: 'runtimes',
        ok: main?.state === 'ready',
        detail: main === undefined ? 'there is none' : `${main.name} (${main.version}) is ${main.state}`,
        ...(main?.detail === undefined ? {} : { remedy: main.detail }),
        ...(withoutNetwork.length === 0 ? {} : { notes: withoutNetwork }),
      },
    ];
    return { ready: entries.every((entry) => entry.ok), parts: entries };
  };
}
