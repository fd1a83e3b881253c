import { describe } from 'vitest';
import { readAttacks } from './attack.ts';
import { attacks } from './attacks.contract.ts';
import { dockerWarm } from './drivers.ts';

// One after the other: there is one daemon for all tests. Cold starts are the same container, made later: `npm run attacks` has both.
describe('attacks on containers', async () => attacks(dockerWarm, await readAttacks()));
