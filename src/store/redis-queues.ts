import { Queue, Worker, type Job } from 'bullmq';
import type { Connection } from './redis-connection.ts';
import type { Keys } from './redis-keys.ts';

/** What BullMQ has handed out, under a lock with the token of the lease to be: the right to claim one job of a queue. */
export interface Ticket {
  id: string;
  queue: string;
  token: string;
  job: Job;
}

/**
 * BullMQ as the keeper of the queue, its waking up and its locks; one queue for each runtime. A job of BullMQ's is a ticket: added for a job of ours, under
 * its id, and carrying nothing. Which job a ticket is good for, the records say when it is used: they know whose turn it is. There may be more
 * tickets than jobs (one that finds nothing is thrown away), but not fewer. None of BullMQ's retries, attempts and results is used.
 */
export interface Queues {
  /** Adding twice is adding once. */
  add(queue: string, id: string): Promise<void>;
  /** Gives a ticket back. */
  putBack(ticket: Ticket): Promise<void>;
  /** Takes a ticket, if there is one. */
  take(queue: string, token: string): Promise<Ticket | undefined>;
  /** The same, but waits some seconds for one to come. */
  waitAndTake(queue: string, token: string): Promise<Ticket | undefined>;
  prolong(ticket: Ticket, ms: number): Promise<void>;
  /** Throws a ticket away that was used. */
  done(ticket: Ticket): Promise<void>;
  /** Throws one away that waits. */
  remove(queue: string, id: string): Promise<void>;
  close(): Promise<void>;
}

/** So long a wait usually takes at most. */
const WAIT_SEC = 2;
const STALLED_EVERY_MS = 5000;
/** It would mark jobs as failed that stalled more often than this, and that is not its business. */
const NEVER = 2 ** 31;
/** Nobody reads BullMQ's own events. */
const MAX_EVENTS = 100;

/** Names of BullMQ's queues may have no colon. */
export const queueFor = (runtime: string): string => encodeURIComponent(runtime);

export function createQueues(connection: Connection, keys: Keys, lockMs: number, trouble: (error: unknown) => void): Queues {
  const shared = { connection: connection.client, prefix: keys.queuePrefix, skipVersionCheck: true };
  const queues = new Map<string, Queue>();
  const workers = new Map<string, Worker>();

  const queue = (name: string): Queue => {
    let found = queues.get(name);
    if (found === undefined) {
      found = new Queue(name, { ...shared, streams: { events: { maxLen: MAX_EVENTS } } });
      found.on('error', trouble);
      queues.set(name, found);
    }
    return found;
  };
  const worker = (name: string): Worker => {
    let found = workers.get(name);
    if (found === undefined) {
      found = new Worker(name, undefined, {
        ...shared,
        autorun: false,
        lockDuration: lockMs,
        drainDelay: WAIT_SEC,
        stalledInterval: STALLED_EVERY_MS,
        maxStalledCount: NEVER,
      });
      found.on('error', trouble);
      // Tickets that nobody has any more: whoever took them has died.
      void found.startStalledCheckTimer();
      workers.set(name, found);
    }
    return found;
  };

  const take = async (name: string, token: string, block: boolean): Promise<Ticket | undefined> => {
    const job = await worker(name).getNextJob(token, { block });
    return job?.id === undefined ? undefined : { id: job.id, queue: name, token, job };
  };

  return {
    async add(name, id) {
      await queue(name).add('job', {}, { jobId: id, removeOnComplete: true, removeOnFail: true });
    },
    async putBack({ job, token }) {
      await job.moveToWait(token);
    },
    take: (name, token) => take(name, token, false),
    // After trouble with its blocking connection BullMQ only waits: so it is asked, too.
    waitAndTake: async (name, token) => (await take(name, token, false)) ?? (await take(name, token, true)),
    async prolong({ id, queue: name, token }, ms) {
      await worker(name).extendJobLocks([id], [token], ms);
    },
    async done({ job, token }) {
      await job.moveToCompleted(null, token, false);
    },
    async remove(name, id) {
      await queue(name).remove(id);
    },
    async close() {
      await Promise.all([...workers.values()].map((each) => each.close(true).catch(trouble)));
      await Promise.all([...queues.values()].map((each) => each.close().catch(trouble)));
    },
  };
}
