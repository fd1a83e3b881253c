import type { Attack } from './attack.ts';
import type { AttackedDriver } from './attacked-driver.ts';
import type { Mitigation } from './mitigations.ts';
import type { Column, Results } from './results.ts';

/** What was tried, as tables in Markdown. */

const MAX_CHARS = 140;

/** In a cell, bars would end it and angles be markup. */
const inCell = (text: string): string => text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|').replaceAll('<', '&lt;');
const clipped = (text: string): string => (text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS)}…` : text);
const row = (cells: readonly string[]): string => `| ${cells.map(inCell).join(' | ')} |`;
const table = (head: readonly string[], body: readonly (readonly string[])[]): string =>
  [row(head), `|${head.map(() => '---').join('|')}|`, ...body.map(row)].join('\n');

const isOn = (column: Column | undefined): string => (column === undefined ? 'not tried' : `tried on ${column.at}`);

type TriedDriver = Pick<AttackedDriver, 'name' | 'cannotHold'>;

const judged = (column: Column | undefined, id: string, reason: string | undefined): string => {
  const wrong = column?.wrong[id];
  if (wrong === undefined) return 'not tried';
  if (wrong.length === 0) return reason === undefined ? 'held' : '**held by now**';
  if (reason !== undefined) return `not held: ${reason}`;
  return wrong.some((what) => what.startsWith('got through')) ? '**GOT THROUGH**' : `**failed**: ${clipped(wrong.join('; '))}`;
};

/** Whether all that was tried came out as is promised. */
export const isAsPromised = (column: Column, { cannotHold }: Pick<TriedDriver, 'cannotHold'>): boolean =>
  Object.entries(column.wrong).every(([id, wrong]) => (wrong.length === 0) === (cannotHold[id] === undefined));

const summary = (ids: readonly string[], column: Column | undefined): string => {
  const tried = ids.filter((id) => column?.wrong[id] !== undefined);
  if (tried.length === 0) return 'not tried';
  return `${tried.filter((id) => column?.wrong[id]?.length === 0).length} of ${ids.length}`;
};

/** First how many of each class were held, then a table for each. */
export function attackTables(attacks: readonly Attack[], drivers: readonly TriedDriver[], { attacks: results }: Results): string {
  const classes = new Map<string, Attack[]>();
  for (const attack of attacks) {
    const [name = ''] = attack.id.split('/');
    classes.set(name, [...(classes.get(name) ?? []), attack]);
  }
  const heads = drivers.map(({ name }) => name);
  const idsOf = (some: readonly Attack[]): string[] => some.map(({ id }) => id);
  const overview = table(
    ['held', ...heads],
    [
      ...[...classes].map(([name, some]) => [name, ...drivers.map((driver) => summary(idsOf(some), results[driver.name]))]),
      ['**all**', ...drivers.map((driver) => summary(idsOf(attacks), results[driver.name]))],
      ['', ...drivers.map((driver) => isOn(results[driver.name]))],
    ],
  );
  const each = [...classes].map(([name, some]) => {
    const body = some.map(({ id, tries }) => [
      `\`${id.slice(name.length + 1)}\``,
      tries,
      ...drivers.map((driver) => judged(results[driver.name], id, driver.cannotHold[id])),
    ]);
    return `### ${name}\n\n${table([name, 'tries', ...heads], body)}`;
  });
  return [overview, ...each].join('\n\n');
}

export const outboundTable = (
  attacks: readonly { name: string; tries: string }[],
  drivers: readonly { name: string }[],
  { outbound }: Results,
): string =>
  table(
    ['attack', 'tries', ...drivers.map(({ name }) => name.replace(', outbound', ''))],
    [
      ...attacks.map(({ name, tries }) => [
        `\`${name}\``,
        tries,
        ...drivers.map((driver) => judged(outbound[driver.name], name, undefined)),
      ]),
      ['', '', ...drivers.map((driver) => isOn(outbound[driver.name]))],
    ],
  );

export const mitigationsTable = (mitigations: readonly Mitigation[], { mitigations: column }: Results): string =>
  table(
    ['taken away', 'in', 'driver', 'attack', 'what happens then'],
    mitigations.map(({ what, file, driver, attack }) => {
      const wrong = column?.wrong[what];
      const then = wrong === undefined ? 'not tried' : (wrong[0] ?? '**held all the same**');
      return [what, `\`${file}\``, driver, `\`${attack}\``, clipped(then)];
    }),
  );
