import { readAttacks } from './attack.ts';
import { attacks } from './attacks.contract.ts';
import { dockerWarm } from './docker-drivers.ts';

// A cold start is the same container, made later: `npm run attacks` has both.
// A container costs most of a second of CPU time: half of all went to seeing the next job's world. `npm run attacks` sees it after each attack.
attacks(dockerWarm, await readAttacks(), { worldEvery: 8 });
