import { readAttacks } from './attack.ts';
import { DRIVERS } from './drivers.ts';
import { NETWORK_ATTACKS } from './network/attacks.ts';
import { NETWORK_DRIVERS, withstandWithNetwork } from './network/drivers.ts';
import { laySiege } from './siege.ts';

/** One attack on one driver, in a process of its own: `one.ts DRIVER ATTACK` prints as JSON what was wrong. */

const [driverName, attackId] = process.argv.slice(2);
const driver = DRIVERS.find(({ name }) => name === driverName);
const attack = (await readAttacks()).find(({ id }) => id === attackId);

async function withstand(): Promise<string[]> {
  const outbound = NETWORK_DRIVERS.find(({ name }) => name === driverName);
  if (outbound !== undefined && attackId !== undefined && attackId in NETWORK_ATTACKS) return withstandWithNetwork(outbound, attackId);
  if (driver === undefined || attack === undefined) throw new Error(`there is no ${driverName} or no ${attackId}`);
  const siege = await laySiege(driver);
  const wrong = await siege.withstand(attack);
  await siege.close();
  return wrong;
}

let wrong: string[];
try {
  wrong = await withstand();
} catch (error) {
  // Not to work at all without it is one way to need it.
  wrong = [`no job runs: ${error instanceof Error ? error.message : String(error)}`];
}
process.stdout.write(JSON.stringify(wrong), () => process.exit(0));
