import * as fc from 'fast-check';
import { it } from 'vitest';
import type { OpenStore } from './contract/store-under-test.contract.ts';
import { startSession } from './property/session.property.ts';
import { steps } from './property/steps.property.ts';

/** With fast-check's own size a run has a handful of steps, which is too short for a job's life. */
const MAX_STEPS = 150;

/**
 * Runs random sequences of everything that happens to a store, crashes included, against a model of it: no job is lost
 * or held twice, the log has no gap, nothing final changes, and every follower gets every entry once.
 */
export function storeProperties(name: string, open: OpenStore, numRuns: number): void {
  it(`store ${name} behaves as its model, whatever happens in whatever order`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.commands(steps, { maxCommands: MAX_STEPS, size: 'max' }), async (commands) => {
        const session = await startSession(open);
        try {
          await fc.asyncModelRun(() => ({ model: session.model, real: session }), commands);
          await session.settle();
        } finally {
          await session.close();
        }
      }),
      { numRuns },
    );
  });
}
