import { readAttacks } from './attack.ts';
import { attacks } from './attacks.contract.ts';
import { bubblewrapCold } from './drivers.ts';

attacks(bubblewrapCold, await readAttacks());
