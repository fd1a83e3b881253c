import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Attack } from './attack.ts';
import type { AttackedDriver } from './attacked-driver.ts';
import { laySiege, type Siege } from './siege.ts';

/** Images may have to be built first. */
const OPEN_MS = 10 * 60_000;

/** Attacks on the next job. */
const IS_ABOUT_IT = /^(left-behind|warm)\//;

/**
 * Every attack against one driver; after each, this host is what it was before, and after every `worldEvery`th the world of the next job,
 * where a job is too dear to make to be spent on each.
 */
export function attacks(driver: AttackedDriver, all: readonly Attack[], { worldEvery } = { worldEvery: 1 }): void {
  describe.skipIf(driver.missing !== undefined)(
    `attacks on ${driver.name}${driver.missing === undefined ? '' : `: ${driver.missing}`}`,
    () => {
      let siege: Siege;
      beforeAll(async () => {
        siege = await laySiege(driver);
      }, OPEN_MS);
      afterAll(() => siege.close());

      it.each(all)('$id', async (attack) => {
        const count = all.indexOf(attack) + 1;
        const nextJob = IS_ABOUT_IT.test(attack.id) || count % worldEvery === 0 || count === all.length;
        const wrong = await siege.withstand(attack, { nextJob });
        // What a driver says that it can't hold must be seen not to hold, or nobody would strike it off.
        if (driver.cannotHold[attack.id] === undefined) expect(wrong.join('\n')).toBe('');
        else expect(wrong, `${driver.name} holds it by now: strike it off`).not.toEqual([]);
      });
    },
  );
}
