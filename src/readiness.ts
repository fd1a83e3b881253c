import type { Artifacts } from './artifacts/artifacts.ts';
import { StartError } from './errors.ts';
import type { Readiness, ReadinessPart } from './http/health.ts';
import type { Runtimes } from './runtimes/runtime.ts';
import type { Sandbox, SandboxHealth } from './sandbox/sandbox.ts';
import type { Store } from './store/store.ts';

export interface ReadinessParts {
  store: Store;
  artifacts: Artifacts;
  runtimes: Runtimes;
  /** As it was found at start: a sandbox is not tried out for each request. */
  sandbox: SandboxHealth & { name: Sandbox['name'] };
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
    const entries: ReadinessPart[] = [
      await probe('store', parts.store.name, () => parts.store.check()),
      await probe('artifacts', parts.artifacts.name, () => parts.artifacts.check()),
      { name: 'sandbox', ok: true, detail: parts.sandbox.name, guarantees: { ...parts.sandbox.guarantees }, notes: parts.sandbox.notes },
      {
        name: 'runtimes',
        ok: main?.state === 'ready',
        detail: main === undefined ? 'there is none' : `${main.name} (${main.version}) is ${main.state}`,
        ...(main?.detail === undefined ? {} : { remedy: main.detail }),
      },
    ];
    return { ready: entries.every((entry) => entry.ok), parts: entries };
  };
}
