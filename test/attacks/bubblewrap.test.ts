import { allAttacks, attacks } from './attacks.contract.ts';
import { bubblewrapCold } from './drivers.ts';

attacks(bubblewrapCold, allAttacks);
