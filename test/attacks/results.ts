import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What came of each attack, by what it was made on: nothing, when it held. */
export interface Column {
  /** The day. */
  at: string;
  wrong: Record<string, string[]>;
}

export interface Results {
  /** By driver. */
  attacks: Record<string, Column>;
  /** By driver whose jobs have a network. */
  outbound: Record<string, Column>;
  /** By mitigation: what got through without it. */
  mitigations: Column | undefined;
}

/** What docs/security.md is made of: kept, so that the tables can be made in parts, for all of it takes the better part of an hour. */
const PATH = join(import.meta.dirname, '../../docs/security.json');

const readKept = async (): Promise<Results> =>
  JSON.parse(await readFile(PATH, 'utf8').catch(() => '{"attacks":{},"outbound":{}}')) as Results;

/** Puts one column where the others are kept, and returns all of them. */
export async function keepColumn(put: (results: Results) => void): Promise<Results> {
  const results = await readKept();
  put(results);
  // As a whole, for another part may be at work beside this one.
  await writeFile(`${PATH}.${process.pid}`, `${JSON.stringify(results, null, 1)}\n`);
  await rename(`${PATH}.${process.pid}`, PATH);
  return results;
}

export const columnOf = (wrong: Record<string, string[]>): Column => ({ at: new Date().toISOString().slice(0, 10), wrong });
