import { createHash } from 'node:crypto';
import type { Config } from '../config.ts';
import type { Runtimes } from '../runtimes/runtime.ts';
import { createBubblewrap, type BubblewrapOptions } from '../sandbox/bubblewrap.ts';
import type { EgressOptions } from '../sandbox/egress/serve.ts';
import { parseRange } from '../sandbox/egress/ranges.ts';
import type { DockerOptions } from '../sandbox/docker.ts';
import { createNone } from '../sandbox/none.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { PoolEvents } from '../sandbox/warm/pool.ts';

const MINUTE_MS = 60_000;
const MIB = 1024 * 1024;
/** More than this many jobs seldom start in one moment. */
const MAX_READY_LAUNCHERS = 8;
/** However many wait for one to be made, the next warm sandbox costs a fraction of a cold one; later than this, something is wrong. */
const WARM_WAIT_MS = 1000;

/** The sandbox for this machine's own interpreters that the configuration names; not yet checked. */
export async function chooseSandbox(config: Config, runtimes: Runtimes, warmEvents: PoolEvents): Promise<Sandbox> {
  if (config.sandbox === 'none') return createNone();
  return createBubblewrap({
    instance: createHash('sha256').update(config.dataDir).digest('hex').slice(0, 12),
    firstUid: config.SANDBOX_UID,
    ready: Math.min(config.CONCURRENCY, MAX_READY_LAUNCHERS),
    interpreter: () => runtimes.get(runtimes.defaultName)?.interpreter,
    egress: egressOf(config),
    warm: config.WARM_STARTS ? warmStarts(config, warmEvents) : undefined,
  });
}

const rangesOf = (texts: readonly string[]): EgressOptions['denied'] => texts.map(parseRange).filter((range) => range !== undefined);

export const egressOf = (config: Config): EgressOptions => ({
  allowed: config.NET_OUTBOUND,
  denied: rangesOf(config.NET_DENY),
  allowedPrivate: rangesOf(config.NET_ALLOW_PRIVATE),
  nameServers: config.NET_DNS,
  maxFlows: config.NET_FLOWS,
});

const warmStarts = (config: Config, events: PoolEvents): BubblewrapOptions['warm'] => ({
  rules: {
    min: config.WARM_POOL,
    max: Math.max(config.WARM_POOL, config.WARM_POOL_MAX),
    recycleJobs: config.WARM_RECYCLE_JOBS,
    recycleMs: config.WARM_RECYCLE_MINUTES * MINUTE_MS,
    waitMs: WARM_WAIT_MS,
  },
  events,
});

/** Made for jobs that leave their limits as they are. */
export const warmContainers = (config: Config, events: PoolEvents): DockerOptions['warm'] => ({
  rules: { size: config.WARM_POOL, waitMs: WARM_WAIT_MS },
  limits: { timeoutMs: MINUTE_MS, cpus: 1, memoryBytes: 512 * MIB, pids: 128, diskBytes: 256 * MIB, outputBytes: 64 * MIB },
  events,
});
