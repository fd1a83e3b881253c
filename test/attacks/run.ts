import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readAttacks } from './attack.ts';
import type { AttackedDriver } from './attacked-driver.ts';
import { DRIVERS } from './drivers.ts';
import { MITIGATIONS } from './mitigations.ts';
import { readNetworkAttacks } from './network/attacks.ts';
import { NETWORK_DRIVERS, withstandAllWithNetwork } from './network/drivers.ts';
import { columnOf, keepColumn, type Results } from './results.ts';
import { laySiege } from './siege.ts';
import { attackTables, isAsPromised, mitigationsTable, outboundTable } from './tables.ts';
import { resultWithout } from './without.ts';

/**
 * `npm run attacks [-- PART …] [--without] [--save]`: every attack against every driver that works here, and every mitigation taken away in
 * turn, in a copy, to tell what gets through then. Parts are drivers by their names, and `mitigations`; without any it is all drivers,
 * and with `--without` or `--save` the mitigations. `--save` writes the tables of docs/security.md, with what earlier runs found of the
 * other parts. Exit code 1 when anything is not as promised.
 */

const words = process.argv.slice(2);
const save = words.includes('--save');
const parts = words.filter((word) => !word.startsWith('--'));
const isAsked = (name: string): boolean => parts.length === 0 || parts.includes(name);
const isMitigated = parts.includes('mitigations') || words.includes('--without') || (save && parts.length === 0);
const say = (text: string): boolean => process.stderr.write(`${text}\n`);

const known = [...DRIVERS, ...NETWORK_DRIVERS].map(({ name }) => name);
const unknown = parts.filter((part) => part !== 'mitigations' && !known.includes(part));
if (unknown.length > 0) throw new Error(`there is no ${unknown.join(', ')}; there are ${known.join('; ')}; mitigations`);

const attacks = await readAttacks();
const results: Results = { attacks: {}, outbound: {}, mitigations: undefined };
let failed = false;

async function besiege(driver: AttackedDriver): Promise<Record<string, string[]>> {
  const wrong: Record<string, string[]> = {};
  const siege = await laySiege(driver);
  try {
    for (const attack of attacks) {
      wrong[attack.id] = await siege.withstand(attack);
      say(`${driver.name}: ${attack.id}: ${wrong[attack.id]?.join('; ') || 'held'}`);
    }
  } finally {
    await siege.close();
  }
  return wrong;
}

for (const driver of DRIVERS.filter(({ name, missing }) => isAsked(name) && missing === undefined)) {
  const column = columnOf(await besiege(driver));
  if (!isAsPromised(column, driver)) failed = true;
  results.attacks[driver.name] = column;
  if (save) await keepColumn((kept) => (kept.attacks[driver.name] = column));
}

for (const driver of NETWORK_DRIVERS.filter(({ name, missing }) => isAsked(name) && missing === undefined)) {
  const column = columnOf(await withstandAllWithNetwork(driver, say));
  if (!isAsPromised(column, { cannotHold: {} })) failed = true;
  results.outbound[driver.name] = column;
  if (save) await keepColumn((kept) => (kept.outbound[driver.name] = column));
}

if (isMitigated) {
  const wrong: Record<string, string[]> = {};
  for (const mitigation of MITIGATIONS) {
    const result = await resultWithout(mitigation);
    say(`without ${mitigation.what}: ${result.join('; ') || 'HELD ALL THE SAME'}`);
    if (result.length === 0) failed = true;
    wrong[mitigation.what] = result;
    if (save) await keepColumn((kept) => (kept.mitigations = columnOf({ ...kept.mitigations?.wrong, [mitigation.what]: result })));
  }
  results.mitigations = columnOf(wrong);
}

/** Replaces what stands between two marks of a page. */
const between = (page: string, mark: string, text: string): string => {
  const [start, end] = [`<!-- ${mark} -->`, `<!-- end of ${mark} -->`];
  const [before, rest] = page.split(start);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`docs/security.md has no place for ${mark}`);
  return `${before}${start}\n\n${text}\n\n${end}${after}`;
};

const shown = save ? await keepColumn(() => undefined) : results;
const tables: [mark: string, text: string][] = [
  ['attacks', attackTables(attacks, DRIVERS, shown)],
  ['outbound', outboundTable(await readNetworkAttacks(), NETWORK_DRIVERS, shown)],
  ['mitigations', mitigationsTable(MITIGATIONS, shown)],
];
process.stdout.write(`${tables.map(([, text]) => text).join('\n\n')}\n`);
if (save) {
  const path = join(import.meta.dirname, '../../docs/security.md');
  let page = await readFile(path, 'utf8');
  for (const [mark, text] of tables) page = between(page, mark, text);
  await writeFile(path, page);
}
say(failed ? 'NOT as promised: see above' : 'as promised');
process.exitCode = failed ? 1 : 0;
