import type { Duplex } from 'node:stream';
import type { Host, Step } from '../plan.ts';
import type { Network, Outbound, RunSpec } from '../sandbox.ts';
import { createNetworkServer, SWITCHED_OFF, type EgressOptions } from './serve.ts';
import { findTools, hasIpv6, networkSteps, ownAddresses, type NetworkTools } from './tools.ts';

/** The processes beside a job's: the keeper of its network, the relay, and nft for a moment. */
export const NETWORK_PROCESSES = 3;

export const wantsNetwork = (run: RunSpec): boolean => run.network !== undefined && run.network !== 'none';

export interface Egress {
  /** Whether this machine has what it takes; that it works, a trial run shows. */
  find(host: Host): Promise<Outbound>;
  /** For the launcher of a run with a network. Throws where `find` has found that there can be none. */
  steps(host: Host): Step[];
  /** Takes up the service's part: fills the packet filter, answers the job's DNS questions for as long as the socket lives. */
  serve(line: Duplex, network: Exclude<Network, 'none'>): void;
}

export function createEgress(options: EgressOptions): Egress {
  let tools: NetworkTools | undefined;
  const serveNetwork = createNetworkServer(options);

  return {
    async find(host) {
      if (!options.allowed) return SWITCHED_OFF;
      const found = await findTools(host.root);
      if ('possible' in found) return found;
      tools = found;
      return { possible: true };
    },

    steps(host) {
      if (tools === undefined) throw new Error('there is no filtered network here');
      return networkSteps(host, tools, hasIpv6(), options.maxFlows);
    },

    serve(line, network) {
      // Where this fails, the launcher hears it from the keeper, and no job starts.
      serveNetwork(line, network, { ownAddresses: ownAddresses() }).catch(() => undefined);
    },
  };
}
