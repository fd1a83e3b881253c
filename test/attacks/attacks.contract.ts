import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRuns, type Runs } from '../../src/sandbox/contract/runs.contract.ts';
import { givenTo, readAttacks, runAttack, type Attack } from './attack.ts';
import type { AttackedDriver } from './drivers.ts';
import { hostAtRest, settled, type HostState } from './host-state.ts';
import { putUpTarget, type Target } from './target.ts';
import { WORLD } from './world.ts';

/** Every attack against one driver; after each, this host and the world of the next job are what they were before. */
export function attacks(driver: AttackedDriver, all: readonly Attack[]): void {
  describe.skipIf(driver.missing !== undefined)(
    `attacks on ${driver.name}${driver.missing === undefined ? '' : `: ${driver.missing}`}`,
    () => {
      let runs: Runs;
      let target: Target;
      let given: Awaited<ReturnType<typeof givenTo>>;
      let before: HostState;
      let world: string;
      let close: () => Promise<void>;

      const nextWorld = async (): Promise<string> => (await runs.run(WORLD)).output;

      beforeAll(async () => {
        const opened = await driver.open();
        runs = await openRuns(opened.under);
        close = async () => {
          await opened.under.sandbox.close();
          await opened.under.close();
          await runs.close();
        };
        target = await putUpTarget();
        given = await givenTo(target.told);
        // Once, so that what is made at a first use is there.
        await nextWorld();
        world = await nextWorld();
        before = await hostAtRest(driver.traces);
      });
      afterAll(async () => {
        await close();
        await target.close();
      });

      it.each(all)('$id', async (attack) => {
        const allowed = driver.cannotHold[attack.id];
        const wrong = await runAttack(runs, attack, given);
        // What a driver says that it can't hold must be seen not to hold, or nobody would strike it off.
        if (allowed === undefined) expect(wrong).toEqual([]);
        else expect(wrong, `${driver.name} holds it by now: strike it off`).not.toEqual([]);
        expect(await target.touched()).toEqual([]);
        expect(await settled(before, driver.traces)).toEqual([]);
        expect(await nextWorld()).toBe(world);
      });
    },
  );
}

export const allAttacks = await readAttacks();
