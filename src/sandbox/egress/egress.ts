import type { Socket } from 'node:net';
import type { Host, Step } from '../plan.ts';
import type { Network, Outbound, RunSpec } from '../sandbox.ts';
import { openChannel, type Channel } from './channel.ts';
import { createPermits } from './permits.ts';
import { createDecision, rulesFor, type Range } from './ranges.ts';
import { createResolver } from './resolver.ts';
import { ruleset } from './ruleset.ts';
import { findTools, hasIpv6, networkSteps, ownAddresses, type NetworkTools } from './tools.ts';
import { createUpstream } from './upstream.ts';

/** What an operator decides about jobs' ways out. */
export interface EgressOptions {
  /** False: no job gets a network, whatever it asks for. */
  allowed: boolean;
  denied: readonly Range[];
  allowedPrivate: readonly Range[];
  /** Resolvers to ask; none: the host's own. */
  nameServers: readonly string[];
  /** Connections of one job at once, and conversations over UDP. */
  maxFlows: number;
}

export const DEFAULT_EGRESS: EgressOptions = { allowed: true, denied: [], allowedPrivate: [], nameServers: [], maxFlows: 256 };

/** The processes beside a job's: the keeper of its network, the relay, and nft for a moment. */
export const NETWORK_PROCESSES = 3;

export const wantsNetwork = (run: RunSpec): boolean => run.network !== undefined && run.network !== 'none';

export interface Egress {
  /** Whether this machine has what it takes; that it works, a trial run shows. */
  find(host: Host): Promise<Outbound>;
  /** For the launcher of a run with a network. Throws where `find` has found that there can be none. */
  steps(host: Host): Step[];
  /** Takes up the service's part: fills the packet filter, answers the job's DNS questions for as long as the socket lives. */
  serve(socket: Socket, network: Exclude<Network, 'none'>): void;
}

export function createEgress(options: EgressOptions): Egress {
  let tools: NetworkTools | undefined;
  const upstream = createUpstream(options.nameServers);

  return {
    async find(host) {
      if (!options.allowed) return { possible: false, reason: 'the operator has switched it off', remedy: 'unset NET_OUTBOUND' };
      const found = await findTools(host.root);
      if ('possible' in found) return found;
      tools = found;
      return { possible: true };
    },

    steps(host) {
      if (tools === undefined) throw new Error('there is no filtered network here');
      return networkSteps(host, tools, hasIpv6(), options.maxFlows);
    },

    serve(socket, network) {
      // Anew for each job: a machine's addresses change.
      const rules = rulesFor(ownAddresses(), options.denied, options.allowedPrivate);
      const channel: Channel = openChannel(socket, (question, message, byTcp) => {
        void answer(message, byTcp).then(
          (said) => channel.answer(question, said),
          () => channel.answer(question, undefined),
        );
      });
      const answer = createResolver({
        network,
        upstream,
        isPermitted: createDecision(rules),
        permit: createPermits((script) => channel.apply(script)),
      });
      // Where this fails, the launcher hears it from the keeper, and no job starts.
      channel.apply(ruleset(rules, network, options.maxFlows)).catch(() => undefined);
    },
  };
}
