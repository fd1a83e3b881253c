import { readAttacks } from './attack.ts';
import { attacks } from './attacks.contract.ts';
import { dockerWarm } from './drivers.ts';

// A cold start is the same container, made later: `npm run attacks` has both.
attacks(dockerWarm, await readAttacks());
