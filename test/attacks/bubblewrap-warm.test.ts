import { readAttacks } from './attack.ts';
import { attacks } from './attacks.contract.ts';
import { bubblewrapWarm } from './drivers.ts';

attacks(bubblewrapWarm, await readAttacks());
