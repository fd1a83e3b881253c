import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readAttacks, type Attack } from './attack.ts';
import { DRIVERS, type AttackedDriver } from './drivers.ts';
import { MITIGATIONS } from './mitigations.ts';
import { readNetworkAttacks } from './network/attacks.ts';
import { NETWORK_DRIVERS, withstandAllWithNetwork } from './network/drivers.ts';
import { laySiege } from './siege.ts';
import { resultWithout } from './without.ts';

/**
 * `npm run attacks [-- DRIVER …] [--without] [--save]`: every attack against every driver that works here, as a table.
 * `--without` takes each mitigation away in turn, in a copy, and tells what gets through then. `--save` writes both into docs/security.md.
 * Exit code 1 when anything is not as promised.
 */

const words = process.argv.slice(2);
const save = words.includes('--save');
const without = words.includes('--without') || save;
const only = words.filter((word) => !word.startsWith('--'));
const say = (text: string): boolean => process.stderr.write(`${text}\n`);

/** By driver and attack: what was wrong, nothing when it held. */
async function besiege(driver: AttackedDriver, attacks: readonly Attack[]): Promise<Map<string, string[]>> {
  const results = new Map<string, string[]>();
  const siege = await laySiege(driver);
  try {
    for (const attack of attacks) {
      const wrong = await siege.withstand(attack);
      results.set(attack.id, wrong);
      say(`${driver.name}: ${attack.id}: ${wrong.length === 0 ? 'held' : wrong.join('; ')}`);
    }
  } finally {
    await siege.close();
  }
  return results;
}

const attacks = await readAttacks();
const drivers = DRIVERS.filter((driver) => only.length === 0 || only.includes(driver.name));
let failed = false;
const columns: { name: string; results: Map<string, string[]> | string; cannotHold: AttackedDriver['cannotHold'] }[] = [];
for (const driver of drivers) {
  const results = driver.missing ?? (await besiege(driver, attacks));
  columns.push({ name: driver.name, results, cannotHold: driver.cannotHold });
}

const cell = ({ results, cannotHold }: (typeof columns)[number], id: string): string => {
  if (typeof results === 'string') return 'not tried';
  const held = results.get(id)?.length === 0;
  if (held === (cannotHold[id] !== undefined)) failed = true;
  return held ? 'held' : cannotHold[id] === undefined ? '**GOT THROUGH**' : `not held: ${cannotHold[id]}`;
};
const row = (cells: readonly string[]): string => `| ${cells.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`;
const table = (head: readonly string[], body: readonly (readonly string[])[]): string =>
  [row(head), `|${head.map(() => '---').join('|')}|`, ...body.map(row)].join('\n');

const outcome = table(
  ['attack', 'tries', ...columns.map(({ name }) => name)],
  attacks.map((attack) => [attack.id, attack.tries, ...columns.map((column) => cell(column, attack.id))]),
);
process.stdout.write(`${outcome}\n`);

const networkAttacks = await readNetworkAttacks();
let outbound = '';
if (only.length === 0) {
  const results: (Record<string, string[]> | undefined)[] = [];
  for (const driver of NETWORK_DRIVERS) results.push(driver.missing === undefined ? await withstandAllWithNetwork(driver, say) : undefined);
  const judged = (byName: Record<string, string[]> | undefined, name: string): string => {
    if (byName === undefined) return 'not tried';
    const wrong = byName[name] ?? [];
    if (wrong.length > 0) failed = true;
    return wrong.length === 0 ? 'held' : '**GOT THROUGH**';
  };
  outbound = table(
    ['attack', 'tries', ...NETWORK_DRIVERS.map(({ name }) => name)],
    networkAttacks.map(({ name, tries }) => [name, tries, ...results.map((byName) => judged(byName, name))]),
  );
  process.stdout.write(`\n${outbound}\n`);
}

let mitigations = '';
if (without) {
  const body: string[][] = [];
  for (const mitigation of MITIGATIONS) {
    say(`without ${mitigation.what} …`);
    const result = await resultWithout(mitigation);
    if (result.length === 0) failed = true;
    const [first = '**held all the same**'] = result;
    body.push([
      mitigation.what,
      `\`${mitigation.file}\``,
      mitigation.driver,
      mitigation.attack,
      first.length > 160 ? `${first.slice(0, 160)}…` : first,
    ]);
  }
  mitigations = table(['taken away', 'in', 'driver', 'attack', 'what happens then'], body);
  process.stdout.write(`\n${mitigations}\n`);
}

/** Replaces what stands between two marks of a page. */
const between = (page: string, mark: string, text: string): string => {
  const [start, end] = [`<!-- ${mark} -->`, `<!-- end of ${mark} -->`];
  const [before, rest] = page.split(start);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`docs/security.md has no place for ${mark}`);
  return `${before}${start}\n${text}\n${end}${after}`;
};
if (save) {
  const path = join(import.meta.dirname, '../../docs/security.md');
  const page = await readFile(path, 'utf8');
  await writeFile(path, between(between(between(page, 'attacks', outcome), 'outbound', outbound), 'mitigations', mitigations));
}
const count = columns.reduce((sum, { results }) => sum + (typeof results === 'string' ? 0 : results.size), 0);
say(failed ? 'NOT as promised: see above' : `as promised: ${count} attacks on ${columns.length} drivers`);
process.exitCode = failed ? 1 : 0;
