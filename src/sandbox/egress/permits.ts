import type { Resolved } from './resolver.ts';
import { forgetScript, MAX_PERMITTED, permitScript, type Permit } from './ruleset.ts';

/** Programs keep addresses longer than they are told to, and connect some time after they asked. */
const MIN_SEC = 300;
const MAX_SEC = 3600;

/**
 * What the names of one job's allow-list stand for, in the packet filter for as long as their answers say, within bounds. Connections
 * that are open when their time is over stay open. `apply` hands a script to nft, and rejects when that has not taken it.
 */
export function createPermits(apply: (script: string) => Promise<void>): (resolved: readonly Resolved[]) => Promise<void> {
  const until = new Map<string, number>();
  // One after the other: two scripts about one address must not cross.
  let last: Promise<void> = Promise.resolve();

  const permitAll = async (resolved: readonly Resolved[]): Promise<void> => {
    const now = performance.now();
    for (const [key, end] of until) if (end <= now) until.delete(key);
    const wanted = resolved.flatMap(({ address, ttlSec, ports }) =>
      (ports ?? [undefined]).map((port) => ({ permit: { address, port }, seconds: Math.min(MAX_SEC, Math.max(MIN_SEC, ttlSec)) })),
    );
    const added = new Map(wanted.map((each) => [keyOf(each.permit), each]));
    // What is there for half of its time yet needs nothing.
    for (const [key, { seconds }] of added) if ((until.get(key) ?? 0) - now > seconds * 500) added.delete(key);
    if (added.size === 0) return;
    const known = [...added].filter(([key]) => until.has(key));
    if (until.size + added.size - known.length > MAX_PERMITTED) throw new Error('too many addresses');
    const adding = [...added.values()].map(({ permit, seconds }) => permitScript(permit, seconds)).join('');
    const forgetting = known.map(([, { permit }]) => forgetScript(permit)).join('');
    // One that has gone by itself meanwhile can't be forgotten.
    await apply(forgetting + adding).catch(async (error: unknown) => {
      if (forgetting === '') throw error;
      await apply(adding);
    });
    for (const [key, { seconds }] of added) until.set(key, now + seconds * 1000);
  };

  return (resolved) => {
    const done = last.then(() => permitAll(resolved));
    last = done.catch(() => undefined);
    return done;
  };
}

const keyOf = ({ address, port }: Permit): string => `${address} ${port}`;
