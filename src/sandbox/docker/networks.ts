import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { createNetworkServer, NO_EGRESS, SWITCHED_OFF, type EgressOptions } from '../egress/serve.ts';
import { NetworkUnavailable, type Network, type Outbound, type Sandbox } from '../sandbox.ts';
import { tryOut } from '../trial.ts';
import type { ImageInterpreter, KnownRuntime } from '../../runtimes/runtime.ts';
import { EngineError } from './client.ts';
import type { Connection } from './connect.ts';
import { gatewayBody, lookoutBody } from './gateway-plan.ts';
import { openGateway, type Gateway } from './gateway.ts';
import { buildCommand } from './image.ts';
import { GATEWAY, LOOKOUT } from './sources.ts';
import { createSurroundings } from './surroundings.ts';

export interface NetworkOptions {
  /** Without, no job gets a network. */
  egress?: EgressOptions | undefined;
  /** A network of the engine's other than its default. */
  network?: string | undefined;
  /** An OCI runtime other than the engine's own. */
  runtime: string | undefined;
}

type NoNetwork = NonNullable<KnownRuntime['noNetwork']>;

/** The ways out of one engine's jobs. */
export interface Networks {
  /** Whether this engine has what it takes; that it works with an image, `tryOut` shows. */
  find(): Promise<Outbound>;
  /**
   * Why jobs of an image can have none where others could; undefined when they can. Seen with one's own eyes, by an empty job with a
   * network. Nothing is sent to anybody.
   */
  tryOut(start: Sandbox['start'], interpreter: ImageInterpreter, image: string): Promise<NoNetwork | undefined>;
  /** Makes the gateway of one job. Throws NetworkUnavailable where `find` has found that there can be none. */
  open(image: string, network: Exclude<Network, 'none'>, labels: Record<string, string>): Promise<Gateway>;
}

/** What the engine calls the network of containers that name none. */
const USUAL = ['bridge', 'podman'];

const networks = z.array(z.object({ Name: z.string(), Driver: z.string() }));
const impossible = (reason: string, remedy: string): Outbound & { possible: false } => ({ possible: false, reason, remedy });

export function createNetworks({ client, runtime, ownStack, podman }: Connection, options: NetworkOptions): Networks {
  const { egress = NO_EGRESS, network } = options;
  const serve = createNetworkServer(egress);
  const surroundings = createSurroundings(client);
  let found: Outbound = impossible('the engine has not been checked', 'see the service’s log');

  async function look(): Promise<Outbound> {
    if (!egress.allowed) return SWITCHED_OFF;
    if (podman) return impossible('containers of Podman’s get none from here', 'use Docker’s engine, or bubblewrap, for such jobs');
    // It takes packets from the device, past the filter of ours.
    if (ownStack)
      return impossible(
        `the runtime ${runtime} has a network stack of its own, which the packet filter does not see`,
        'give such jobs an engine with runc or crun: unset DOCKER_RUNTIME',
      );
    const all = networks.parse((await client.call('GET', '/networks')).body);
    const there = all.filter(({ Name }) => (network === undefined ? USUAL.includes(Name) : Name === network));
    if (there.length > 0 && there.every(({ Driver }) => Driver !== 'host' && Driver !== 'null')) return { possible: true };
    return network === undefined
      ? impossible(
          'the engine has no network for containers (--bridge=none)',
          'make one and name it: docker network create jobs; DOCKER_NETWORK=jobs',
        )
      : impossible(`the engine has no network ${network} for containers`, `docker network create ${network}`);
  }

  return {
    async find() {
      found = await look();
      return found;
    },

    async tryOut(start, interpreter, image) {
      if (!found.possible) return undefined;
      const home = await mkdtemp(join(tmpdir(), 'job-runner-trial-'));
      try {
        await tryOut(start, interpreter, home, { allow: [] });
        return undefined;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        return /nft: not in the image/.test(reason)
          ? { reason: `the image ${image} has no nft`, remedy: buildCommand(image, podman) }
          : { reason: `a trial run with a network failed: ${reason}`, remedy: 'see docs/network.md' };
      } finally {
        await rm(home, { recursive: true, force: true });
      }
    },

    async open(image, policy, labels) {
      if (!found.possible) throw new NetworkUnavailable(`${found.reason}: ${found.remedy}`);
      const own = { image, runtime: options.runtime, labels };
      const place = surroundings(lookoutBody({ ...own, program: LOOKOUT }));
      place.catch(() => undefined);
      try {
        return await openGateway(client, gatewayBody({ ...own, program: GATEWAY }, network), async (line, engineAddress) => {
          const { ownAddresses, around } = await place;
          await serve(line, policy, { ownAddresses: [...ownAddresses, ...(engineAddress === undefined ? [] : [engineAddress])], around });
        });
      } catch (error) {
        if (error instanceof EngineError) throw new Error(`no network could be made: ${error.message}`, { cause: error });
        throw error;
      }
    },
  };
}
