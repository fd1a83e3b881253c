import { allAttacks, attacks } from './attacks.contract.ts';
import { bubblewrapWarm } from './drivers.ts';

attacks(bubblewrapWarm, allAttacks);
