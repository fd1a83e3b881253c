import type { AttackedDriver } from './attacked-driver.ts';
import { bubblewrapCold, bubblewrapWarm } from './bubblewrap-drivers.ts';
import { dockerCold, dockerWarm, gvisorCold, podmanCold } from './docker-drivers.ts';

export const DRIVERS: readonly AttackedDriver[] = [bubblewrapCold, bubblewrapWarm, dockerCold, dockerWarm, gvisorCold, podmanCold];
