import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readAttacks } from './attack.ts';
import { DRIVERS } from './drivers.ts';
import { MITIGATIONS } from './mitigations.ts';
import { NETWORK_ATTACKS } from './network/attacks.ts';
import { NETWORK_DRIVERS } from './network/drivers.ts';
import { taken } from './without.ts';

describe('the list of mitigations', () => {
  it.each(MITIGATIONS)('can still take away: $what', async (mitigation) => {
    const text = await readFile(join(import.meta.dirname, '../..', mitigation.file), 'utf8');
    expect(taken(mitigation, text)).not.toBe(text);
    expect([...DRIVERS, ...NETWORK_DRIVERS].map(({ name }) => name)).toContain(mitigation.driver);
    expect([...(await readAttacks()).map(({ id }) => id), ...Object.keys(NETWORK_ATTACKS)]).toContain(mitigation.attack);
  });
});
