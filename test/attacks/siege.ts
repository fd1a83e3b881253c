import { openRuns } from '../../src/sandbox/contract/runs.contract.ts';
import { givenTo, runAttack, type Attack } from './attack.ts';
import type { AttackedDriver } from './attacked-driver.ts';
import { hostAtRest, settled } from './host-state.ts';
import { putUpTarget } from './target.ts';
import { WORLD } from './world.ts';

/** A driver under attack: opened once, attacked many times. */
export interface Siege {
  /**
   * What is not as it must be after an attack: what the attack itself got hold of, what became of the host, and what the next job finds,
   * unless that is looked at after a later one.
   */
  withstand(attack: Attack, options?: { nextJob: boolean }): Promise<string[]>;
  close(): Promise<void>;
}

export async function laySiege(driver: AttackedDriver): Promise<Siege> {
  const { under, isReady } = await driver.open();
  const runs = await openRuns(under);
  const target = await putUpTarget();
  const given = await givenTo(target.told);
  const nextWorld = async (): Promise<string> => (await runs.run(WORLD)).output;
  // Once, so that what is made at a first use is there.
  await nextWorld();
  const world = await nextWorld();
  let before = await hostAtRest(driver.traces, isReady);
  let unseen: string[] = [];
  return {
    async withstand(attack, { nextJob } = { nextJob: true }) {
      unseen.push(attack.id);
      const wrong = await runAttack(runs, attack, given, under.gvisor);
      const changed = await settled(before, driver.traces);
      wrong.push(...(await target.touched()), ...changed);
      // Told once: the next attack is not to answer for it.
      if (changed.length > 0) before = await hostAtRest(driver.traces, isReady);
      if (!nextJob) return wrong;
      const now = await nextWorld();
      if (now !== world) wrong.push(`after ${unseen.join(', ')} the next job finds ${now} instead of ${world}`);
      unseen = [];
      return wrong;
    },
    async close() {
      await under.sandbox.close();
      await under.close();
      await runs.close();
      await target.close();
    },
  };
}
