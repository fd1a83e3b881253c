import { readAttacks } from './attack.ts';
import { attacks } from './attacks.contract.ts';
import { bubblewrapWarm } from './bubblewrap-drivers.ts';

attacks(bubblewrapWarm, await readAttacks());
