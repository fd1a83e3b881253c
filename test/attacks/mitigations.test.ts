import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readAttacks } from './attack.ts';
import { DRIVERS } from './drivers.ts';
import { MITIGATIONS } from './mitigations.ts';
import { taken } from './without.ts';

describe('the list of mitigations', () => {
  it.each(MITIGATIONS)('can still take away: $what', async (mitigation) => {
    const text = await readFile(join(import.meta.dirname, '../..', mitigation.file), 'utf8');
    expect(taken(mitigation, text)).not.toBe(text);
    expect(DRIVERS.map(({ name }) => name)).toContain(mitigation.driver);
    expect((await readAttacks()).map(({ id }) => id)).toContain(mitigation.attack);
  });
});
