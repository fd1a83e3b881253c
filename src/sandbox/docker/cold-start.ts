import type { EngineClient } from './client.ts';
import { openContainer, type Container } from './container.ts';
import { encodeFrame, ORDER } from './frames.ts';
import type { Gateway } from './gateway.ts';
import { ordersForText } from './given.ts';
import { setUpOrder, type ContainerPlan } from './plan.ts';
import { MODULES } from './sources.ts';

/**
 * Makes a container for a job that is there already. With a gateway it joins its network once the rules are in place, and the two are one:
 * they are removed together, and when the gateway is lost the container is. Nothing is left when that fails.
 */
export async function openCold(
  client: EngineClient,
  plan: Omit<ContainerPlan, 'bootstrap' | 'gateway'>,
  filter: Buffer,
  gateway: Gateway | undefined,
): Promise<Container> {
  let container: Container | undefined;
  let ending = false;
  const remove = async (why?: string): Promise<void> => {
    ending = true;
    await Promise.all([container?.remove(why), gateway?.remove()]);
  };
  try {
    const whole = gateway === undefined ? plan : { ...plan, gateway: gateway.id };
    container = await openContainer(client, whole, gateway?.ready);
    await container.order(encodeFrame(ORDER.setUp, setUpOrder(whole, filter, false)));
    for (const [path, text] of Object.entries(MODULES)) await container.order(...ordersForText(path, text));
  } catch (error) {
    await remove();
    throw error;
  }
  if (gateway === undefined) return container;
  void gateway.gone.then(async () => {
    if (!ending) await remove('the gateway of its network was lost').catch(() => undefined);
  });
  return { ...container, remove };
}
