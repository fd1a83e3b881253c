import { setTimeout as delay } from 'node:timers/promises';
import { readAttacks, givenTo } from '../attacks/attack.ts';
import { putUpTarget } from '../attacks/target.ts';
import { createRandom } from '../faults/random.ts';
import type { Tenant } from '../support/tenants.ts';
import { createClient } from './client.ts';
import { GOOD, hostile, type Deed } from './deeds.ts';

export interface Traffic {
  /** How often each deed was done, by name; and how often it was refused. */
  done: ReadonlyMap<string, number>;
  count: () => number;
  refused: () => number;
  wrong: readonly string[];
  /** Lets what is under way come to its end. Resolves when nothing is, with what the attacks have touched of this host. */
  stop(): Promise<string[]>;
}

/** Nobody begins more often: what is done in a minute is to depend on the machine's other work as little as may be. */
const BEAT_MS = 1000;

/** What a form's file name can't hold: fetch writes it otherwise (WHATWG HTML, multipart/form-data), and the entry would not be found. */
const REWRITTEN = /[\r\n"]/;

/** Good clients and hostile ones, each doing one thing after the other until they are stopped. */
export async function startTraffic(url: string, tenants: { good: Tenant[]; hostile: Tenant[] }, seed: number): Promise<Traffic> {
  const target = await putUpTarget();
  const given = await givenTo(target.told);
  const attacks = (await readAttacks())
    .filter(({ how }) => !REWRITTEN.test(how.entry ?? ''))
    .map((attack): [string, Deed] => ['attacks', hostile(attack, given)]);
  const done = new Map<string, number>();
  const wrong: string[] = [];
  let refused = 0;
  let stopped = false;

  async function live(tenant: Tenant, deeds: readonly (readonly [string, Deed])[], index: number): Promise<void> {
    const client = createClient(url, tenant);
    const random = createRandom(seed + index);
    while (!stopped) {
      const next = performance.now() + BEAT_MS;
      const [name, deed] = random.pick(deeds);
      const result = await deed(client, random).catch((error: unknown) => [String(error instanceof Error ? error.stack : error)]);
      if (result === 'refused') refused += 1;
      else {
        done.set(name, (done.get(name) ?? 0) + 1);
        wrong.push(...result.map((each) => `${name}, ${tenant.name}: ${each}`));
      }
      await delay(Math.max(0, next - performance.now()));
    }
  }

  const lives = Promise.all([
    ...tenants.good.map((tenant, index) => live(tenant, GOOD, index)),
    ...tenants.hostile.map((tenant, index) => live(tenant, attacks, 100 + index)),
  ]);
  return {
    done,
    count: () => [...done.values()].reduce((sum, each) => sum + each, 0),
    refused: () => refused,
    wrong,
    async stop() {
      stopped = true;
      await lives;
      const touched = await target.touched();
      await target.close();
      return touched;
    },
  };
}
