import type { Duplex } from 'node:stream';
import type { Network, Outbound } from '../sandbox.ts';
import { openChannel, type Channel } from './channel.ts';
import { createPermits } from './permits.ts';
import { createDecision, rulesFor, type Around, type Range } from './ranges.ts';
import { createResolver } from './resolver.ts';
import { ruleset } from './ruleset.ts';
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

/** For a driver that was made without a word on networks. */
export const NO_EGRESS: EgressOptions = { ...DEFAULT_EGRESS, allowed: false, maxFlows: 0 };

export const SWITCHED_OFF: Outbound & { possible: false } = {
  possible: false,
  reason: 'the operator has switched it off',
  remedy: 'unset NET_OUTBOUND',
};

/** Where a job's network is, as it is when the job starts: a machine's addresses change. */
export interface Place {
  /** Those of the machine that jobs' packets leave from, and of the service's. */
  ownAddresses: readonly string[];
  around?: Around;
}

/**
 * The service's part of a job's network, whoever keeps it: fills the packet filter, then answers the job's DNS questions for as long as
 * the line to its keeper lives. Resolves when the rules are in place, and the job may start; rejects with what nft said.
 */
export type ServeNetwork = (line: Duplex, network: Exclude<Network, 'none'>, place: Place) => Promise<void>;

export function createNetworkServer(options: EgressOptions): ServeNetwork {
  const upstream = createUpstream(options.nameServers);

  return (line, network, { ownAddresses, around }) => {
    const rules = rulesFor(ownAddresses, options.denied, options.allowedPrivate, around);
    const channel: Channel = openChannel(line, (question, message, byTcp) => {
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
    return channel.apply(ruleset(rules, network, options.maxFlows));
  };
}
