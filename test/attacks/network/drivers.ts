import { whyNoDockerd } from '../../support/dockerd.ts';
import { openDockerLab } from '../../support/network-lab/docker-lab.ts';
import { openLab, type Lab } from '../../support/network-lab/lab.ts';
import { NETWORK_ATTACKS, runNetworkAttack } from './attacks.ts';

/** Drivers whose jobs are given a network: by what they are called among the drivers. */
export interface NetworkDriver {
  name: string;
  missing?: string | undefined;
  open(): Promise<Lab>;
}

export const BUBBLEWRAP_OUTBOUND = 'bubblewrap, outbound';
export const DOCKER_OUTBOUND = 'docker, outbound';

export const NETWORK_DRIVERS: readonly NetworkDriver[] = [
  { name: BUBBLEWRAP_OUTBOUND, open: () => openLab('root') },
  { name: 'bubblewrap, outbound, an ordinary user’s service', open: () => openLab('nobody') },
  { name: DOCKER_OUTBOUND, missing: whyNoDockerd(), open: openDockerLab },
];

export async function withstandWithNetwork({ open }: NetworkDriver, name: string): Promise<string[]> {
  const lab = await open();
  try {
    return await runNetworkAttack(lab, name);
  } finally {
    await lab.close();
  }
}

/** By attack: what was wrong. */
export async function withstandAllWithNetwork(driver: NetworkDriver, say: (text: string) => void): Promise<Record<string, string[]>> {
  const lab = await driver.open();
  const results: Record<string, string[]> = {};
  try {
    for (const name of Object.keys(NETWORK_ATTACKS)) {
      results[name] = await runNetworkAttack(lab, name);
      say(`${driver.name}: ${name}: ${results[name].join('; ') || 'held'}`);
    }
  } finally {
    await lab.close();
  }
  return results;
}
