import { randomUUID } from 'node:crypto';
import type { Outcome } from '../jobs/outcome.ts';
import { createBell } from './bell.ts';
import { createChunkCache } from './chunk-cache.ts';
import { createArchiveReader, type LogArchive } from './redis-archive.ts';
import { createArchiver } from './redis-archiver.ts';
import { createAttempts, type Freed } from './redis-attempts.ts';
import { createClaims } from './redis-claims.ts';
import { examine, openConnection } from './redis-connection.ts';
import { errorInUse, isPassing, isTrouble, startErrorFor } from './redis-errors.ts';
import { createFollow } from './redis-follow.ts';
import { createJobs } from './redis-jobs.ts';
import { createKeys } from './redis-keys.ts';
import { createLists } from './redis-list.ts';
import { createLog, encodeLog } from './redis-log.ts';
import { listen } from './redis-news.ts';
import { createNotices } from './redis-notices.ts';
import { createQueues, queueFor, type Ticket } from './redis-queues.ts';
import { createReader } from './redis-reader.ts';
import { createRescue } from './redis-rescue.ts';
import { createWorkers } from './redis-workers.ts';
import type { Lease, Store } from './store.ts';

export interface RedisOptions {
  /** `redis://user:password@host:6379/0`, `rediss://…`, or `unix:///path/of/its/socket`. */
  url: string;
  /** What every key begins with. */
  prefix: string;
  /** Takes the logs of jobs that are over. */
  archive: LogArchive;
  /** What claims will ask for. */
  leaseMs: number;
  /** Records of finished jobs go by themselves after this, if nobody has deleted them before; 0: never. */
  keepMs: number;
  /** Hears what goes wrong where no caller waits for it, and what an operator should know at start. */
  warn: (what: string, error?: unknown) => void;
  /** Milliseconds since the epoch, for tests. Without it Redis' own clock counts, the same for all hosts. */
  now?: () => number;
}

const CACHE_BYTES = 4 * 1024 * 1024;
/** A command that takes longer has failed; a lease must see several. */
const MAX_COMMAND_MS = 4000;
const MIN_COMMAND_MS = 2000;
/** The end of an attempt is worth waiting for: its program has run, and nobody else has the job before Redis is back, or has room. */
const PERSISTENCE_MS = 60_000;
const MARK_OF_LIFE_MS = 60_000;

const CANCELED_IN_QUEUE: Outcome = { kind: 'canceled', ran: false };

/**
 * The store of many processes. A hash for each job is the truth, changed by scripts, each one step; BullMQ keeps the queue; a stream for each
 * job alive is its log. Connecting goes on for ever: while Redis is away, methods throw a StoreError after a moment.
 */
export function createRedisStore(options: RedisOptions): Store {
  const { leaseMs, keepMs, warn } = options;
  const now = (): string => (options.now === undefined ? '' : String(options.now()));
  const keys = createKeys(options.prefix);
  const connection = openConnection({
    url: options.url,
    commandTimeoutMs: Math.min(MAX_COMMAND_MS, Math.max(MIN_COMMAND_MS, leaseMs / 3)),
  });
  const { client, where, run, repeat, insist } = connection;
  const trouble = (error: unknown): void => {
    if (!connection.closing.aborted && !isPassing(errorInUse(error, where))) warn('Redis', error);
  };

  const bell = createBell();
  const cache = createChunkCache(CACHE_BYTES);
  const jobs = createJobs(client, keys, { now, keepMs });
  const attempts = createAttempts(client, keys, { now, keepMs });
  const lists = createLists(client, keys);
  const log = createLog(client, keys, cache, createArchiveReader(options.archive));
  const queues = createQueues(connection, keys, leaseMs, trouble);
  const claims = createClaims(connection, queues, attempts, trouble);
  const reader = createReader(connection, keys, bell, cache, trouble);
  const archiver = createArchiver(connection, { client, keys, now }, log, options.archive, trouble);
  const workers = createWorkers(client, keys, now);
  const notices = createNotices(client, keys, now);

  listen(connection, keys, (news, id) => {
    if (news === 'cancel') claims.held.get(id)?.cancel.abort();
    else {
      log.drop(id);
      reader.forget(id);
    }
  });

  const caller = randomUUID();
  let calls = 0;
  /** The name of a call of a holder's: it is tried more than once, and counts once. */
  const nextCall = (): string => `${caller}:${++calls}`;

  /** BullMQ is told after the record has changed; when that fails, its lock runs out, and `reconcile` puts it right. */
  const tellQueue = async (telling: Promise<void> | undefined): Promise<void> => {
    await telling?.catch(trouble);
  };
  const addTickets = async (freed: readonly Freed[], because: string): Promise<void> => {
    for (const { queue, id } of freed) await tellQueue(queues.add(queue, `${id}.${because}`));
  };

  /** The ticket of a lease that is over, if this process held it; from here on it is not known any more. */
  const ticketOf = (lease: Lease): Ticket | undefined => {
    const held = claims.held.get(lease.jobId);
    if (held?.ticket.token !== lease.token) return undefined;
    claims.held.delete(lease.jobId);
    return held.ticket;
  };
  const forget = (lease: Lease): void => void ticketOf(lease);
  const { rescue, reconcile } = createRescue(client, keys, { jobs, attempts, queues, forget, over: archiver.add, freed: addTickets });

  /** Told once: the check is repeated as often as somebody asks whether we are ready. */
  let isNoted = false;

  return {
    name: 'redis',

    async check() {
      try {
        await run(async () => {
          const notes = await examine(client, where);
          if (!isNoted) for (const note of notes) warn(note);
          isNoted = true;
          // Reading would not notice a Redis that is full or a replica.
          await client.set(keys.probe, '1', 'PX', MARK_OF_LIFE_MS);
        });
      } catch (error) {
        throw startErrorFor(error, where);
      }
    },

    async insert(job) {
      const queue = queueFor(job.runtime);
      const inserted = await repeat(() => jobs.insert(job, queue));
      // The record is what was accepted. What BullMQ was not told, `rescue` tells it.
      if ('job' in inserted && inserted.job.id === job.id) await tellQueue(queues.add(queue, job.id));
      return inserted;
    },

    get: (id) => repeat(async () => (await jobs.find(id))?.job),

    list: (query) =>
      repeat(async () => {
        const { ids, next } = await lists.page(query);
        return { jobs: (await jobs.findAll(ids)).map(({ job }) => job), next };
      }),

    claim: claims.claim,

    async renew(lease, ms) {
      const held = claims.held.get(lease.jobId);
      const mine = held?.ticket.token === lease.token ? held : undefined;
      const [state] = await run(() => Promise.all([attempts.renew(lease, ms), tellQueue(mine && queues.prolong(mine.ticket, ms))]));
      if (state === 'cancel') mine?.cancel.abort();
      if (state === 'lost') forget(lease);
      return state;
    },

    async append(lease, entries) {
      const call = nextCall();
      const state = await insist(leaseMs, isPassing, () => attempts.append(lease, call, encodeLog(entries)));
      if (state === 'lost') forget(lease);
      return state;
    },

    async finish(lease, finish) {
      const call = nextCall();
      const { state, freed } = await insist(PERSISTENCE_MS, isTrouble, () => attempts.finish(lease, call, finish, encodeLog(finish.log)));
      const ticket = ticketOf(lease);
      await tellQueue(ticket && queues.done(ticket));
      await addTickets(freed, lease.token);
      if (state === 'finished') archiver.add(lease.jobId);
      return state === 'finished';
    },

    async release(lease, entries) {
      const call = nextCall();
      const { state, freed } = await insist(PERSISTENCE_MS, isTrouble, () => attempts.release(lease, call, encodeLog(entries)));
      const ticket = ticketOf(lease);
      const isBack =
        state === 'queued' &&
        ticket !== undefined &&
        (await queues.putBack(ticket).then(
          () => true,
          () => false,
        ));
      if (!isBack) {
        await tellQueue(ticket && queues.done(ticket));
        await addTickets(freed, lease.token);
      }
      if (state === 'canceled') archiver.add(lease.jobId);
      return state !== 'lost';
    },

    async cancel(id, entries) {
      const { was, stored } = await repeat(() => jobs.cancel(id, JSON.stringify(CANCELED_IN_QUEUE), encodeLog(entries)));
      if (was === 'running') claims.held.get(id)?.cancel.abort();
      if (was === 'queued' && stored !== undefined) {
        archiver.add(id);
        await tellQueue(queues.remove(queueFor(stored.job.runtime), id));
      }
      return stored?.job;
    },

    async rescue(rules) {
      const rescued = await run(() => rescue(rules));
      await run(reconcile);
      await run(archiver.addLeft);
      return rescued;
    },

    read: (id, after, limit) => repeat(() => log.read(id, after, limit)),

    follow: createFollow(connection, log, reader),

    async delete(id) {
      log.drop(id);
      const result = await run(() => jobs.delete(id));
      if (result === 'deleted') {
        log.drop(id);
        reader.forget(id);
      }
      return result;
    },

    finished: (query) => repeat(() => lists.finished(query)),
    stats: () => repeat(lists.stats),
    usage: (owner) => repeat(() => lists.usage(owner)),

    takeNotices: (query) => run(() => notices.takeNotices(query)),
    settleNotice: (id, retryMs) => run(() => notices.settleNotice(id, retryMs)),

    announce: (worker, ttlMs) => repeat(() => workers.announce(worker, ttlMs)),
    withdraw: (name) => repeat(() => workers.withdraw(name)),
    workers: () => repeat(workers.workers),
    takeTurn: (task, everyMs) => run(() => workers.takeTurn(task, everyMs)),

    async close() {
      if (connection.closing.aborted) return;
      await archiver.end();
      connection.close();
      bell.ringAll();
      await queues.close();
    },
  };
}
