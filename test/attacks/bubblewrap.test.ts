import { readAttacks } from './attack.ts';
import { attacks } from './attacks.contract.ts';
import { bubblewrapCold } from './bubblewrap-drivers.ts';

attacks(bubblewrapCold, await readAttacks());
