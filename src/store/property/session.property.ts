import { expect } from 'vitest';
import { LEASE_MS, RULES } from '../contract/jobs-for-tests.contract.ts';
import type { OpenStore, StoreUnderTest } from '../contract/store-under-test.contract.ts';
import { emptyModel, isFinished, type Model, type ModelJob } from './model.property.ts';

/** A store, its model, and somebody who follows every log. */
export interface Session {
  under: StoreUnderTest;
  model: Model;
  follow(job: ModelJob): void;
  /** Compares the store with the model. */
  compare(jobs: readonly ModelJob[]): Promise<void>;
  crash(): Promise<void>;
  /** Brings every job to its end, and compares all there is. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

interface Follower {
  job: ModelJob;
  seen: string[];
  ended: Promise<void>;
}

export async function startSession(open: OpenStore): Promise<Session> {
  const under = await open();
  const model = emptyModel();
  const followers: Follower[] = [];
  const stop = new AbortController();

  const pump = async (follower: Follower): Promise<void> => {
    for await (const chunk of under.store.follow(follower.job.id, follower.seen.length, stop.signal)) {
      for (const { seq, text } of chunk) {
        expect(seq).toBe(follower.seen.length + 1);
        follower.seen.push(text);
      }
    }
  };

  const compare = async (jobs: readonly ModelJob[]): Promise<void> => {
    for (const { id, status, attempt, log } of jobs) {
      const stored = await under.store.get(id);
      expect(stored).toMatchObject({ id, status, attempt, logLines: log.length });
      expect(stored?.outcome === null).toBe(status === 'queued' || status === 'running');
    }
  };

  const compareAll = async (): Promise<void> => {
    await compare(model.jobs);
    for (const { id, log } of model.jobs) {
      expect((await under.store.read(id, 0, log.length + 1)).map(({ text }) => text)).toEqual(log);
    }
    const { jobs } = await under.store.list({ limit: model.jobs.length + 1 });
    expect(jobs.map(({ id }) => id)).toEqual(model.jobs.map(({ id }) => id).toReversed());
    for (const owner of new Set(model.jobs.map((job) => job.owner))) {
      const theirs = model.jobs.filter((job) => job.owner === owner);
      const { jobs: listed } = await under.store.list({ owner, limit: theirs.length + 1 });
      expect(listed.map(({ id }) => id)).toEqual(theirs.map(({ id }) => id).toReversed());
      expect(await under.store.usage(owner)).toEqual({
        queued: theirs.filter(({ status }) => status === 'queued').length,
        running: theirs.filter(({ status }) => status === 'running').length,
        bytes: listed.reduce((sum, job) => sum + job.bytes, 0),
      });
    }
    const count = (status: string): number => model.jobs.filter((job) => job.status === status).length;
    expect(await under.store.stats()).toMatchObject({
      queued: count('queued'),
      running: count('running'),
      finished: model.jobs.filter(isFinished).length,
      bytes: jobs.reduce((sum, job) => sum + job.bytes, 0),
    });
  };

  return {
    under,
    model,
    compare,
    follow(job) {
      const follower: Follower = { job, seen: [], ended: Promise.resolve() };
      follower.ended = pump(follower);
      followers.push(follower);
    },
    async crash() {
      await under.reopen();
      await Promise.all(followers.map(({ ended }) => ended));
      for (const follower of followers) follower.ended = pump(follower);
      for (const { held } of model.jobs) if (held !== undefined) Object.assign(held, { unsure: true, beforeCrash: true });
      await compareAll();
    },
    async settle() {
      await compareAll();
      for (const { id } of model.jobs) await under.store.cancel(id, []);
      await under.advance(LEASE_MS * 2);
      await under.store.rescue({ ...RULES, canceledLog: () => [] });
      // Every job is final now, so every follower ends by itself.
      await Promise.all(followers.map(({ ended }) => ended));
      for (const { job, seen } of followers) {
        const isDeleted = model.deleted.includes(job);
        expect(seen).toEqual(isDeleted ? job.log.slice(0, seen.length) : job.log);
      }
    },
    async close() {
      stop.abort();
      await under.close();
    },
  };
}
