import * as fc from 'fast-check';
import { expect } from 'vitest';
import { endingOf, type Outcome } from '../../jobs/outcome.ts';
import { AT_ONCE, LEASE_MS, lines, newJob, RULES, RUNTIME, succeeded, texts } from '../contract/jobs-for-tests.contract.ts';
import { endLease, isFinished, isSafe, withStatus, type Model, type ModelJob, type ModelLease } from './model.property.ts';
import type { Session } from './session.property.ts';

type Step = fc.AsyncCommand<Model, Session>;

const step = (
  name: string,
  run: (model: Model, session: Session) => Promise<void>,
  check: (model: Model) => boolean = () => true,
): Step => ({
  check,
  run,
  toString: () => name,
});

/** The nth of some, going round. */
const pick = <T>(some: readonly T[], n: number): T => {
  const one = some[n % some.length];
  if (one === undefined) throw new Error('nothing to pick from');
  return one;
};

const hasRunning = (model: Model): boolean => withStatus(model, 'running').length > 0;

/** Lets a holder do something. Between the end of a lease and its rescue the store may refuse, but then nothing changes. */
const asHolder = (
  name: string,
  n: number,
  act: (session: Session, job: ModelJob, held: ModelLease) => Promise<{ held: boolean; apply: () => void }>,
): Step =>
  step(
    `${name}(${n})`,
    async (model, session) => {
      const job = pick(withStatus(model, 'running'), n);
      if (job.held === undefined) throw new Error('a running job without a lease');
      const { held, apply } = await act(session, job, job.held);
      if (held) apply();
      else expect(isSafe(job.held, session.under.now())).toBe(false);
      await session.compare([job]);
    },
    hasRunning,
  );

const finishAs = (model: Model, job: ModelJob, outcome: Outcome, log: readonly { text: string }[]): void => {
  job.log.push(...texts(log));
  job.status = endingOf(outcome).status;
  endLease(model, job);
};

const submit = (owner: string, key: string | undefined): Step =>
  step(`submit(${owner}, ${key ?? ''})`, async (model, session) => {
    const sent = newJob({ owner, ...(key === undefined ? {} : { idempotency: { key, fingerprint: 'f' } }) });
    const before = key === undefined ? undefined : model.jobs.find((job) => job.owner === owner && job.idempotencyKey === key);
    const inserted = await session.under.store.insert(sent);
    expect(inserted).toMatchObject(
      before === undefined ? { kind: 'created' } : { kind: 'existing', job: { id: before.id, status: before.status } },
    );
    if (before !== undefined) return;
    const job: ModelJob = {
      id: sent.id,
      owner,
      status: 'queued',
      attempt: 0,
      log: [],
      cancelAsked: false,
      idempotencyKey: key,
      held: undefined,
    };
    model.jobs.push(job);
    session.follow(job);
    await session.compare([job]);
  });

const claim = (claimers: number): Step =>
  step(`claim(${claimers})`, async (model, session) => {
    const queued = withStatus(model, 'queued');
    const request = { worker: 'w', leaseMs: LEASE_MS, runtimes: [RUNTIME], signal: AT_ONCE };
    const claims = await Promise.all(Array.from({ length: claimers }, () => session.under.store.claim(request)));
    const got = claims.filter((one) => one !== undefined);
    expect(got).toHaveLength(Math.min(claimers, queued.length));
    const claimed = got.map((claim) => {
      const job = queued.find(({ id }) => id === claim.job.id);
      if (job === undefined) throw new Error(`${claim.job.id} was not queued, or was claimed twice`);
      queued.splice(queued.indexOf(job), 1);
      job.status = 'running';
      job.attempt += 1;
      job.held = { claim, expiresAt: session.under.now() + LEASE_MS, unsure: false, beforeCrash: false };
      return job;
    });
    // Whose turn it is is the store's to say; of one owner's jobs the oldest go first.
    for (const job of claimed) expect(queued.filter(({ id, owner }) => owner === job.owner && id < job.id)).toEqual([]);
    await session.compare(claimed);
  });

const append = (n: number, count: number): Step =>
  asHolder(`append ${count}`, n, async ({ under }, job, { claim: { lease } }) => ({
    held: (await under.store.append(lease, lines(count, `attempt ${job.attempt}`))) === 'held',
    apply: () => void job.log.push(...texts(lines(count, `attempt ${job.attempt}`))),
  }));

const renew = (n: number): Step =>
  asHolder('renew', n, async ({ under }, job, held) => {
    const answer = await under.store.renew(held.claim.lease, LEASE_MS);
    if (answer !== 'lost') expect(answer).toBe(job.cancelAsked ? 'cancel' : 'held');
    return { held: answer !== 'lost', apply: () => Object.assign(held, { expiresAt: under.now() + LEASE_MS, unsure: false }) };
  });

const finish = (n: number, code: number): Step =>
  asHolder(`finish ${code}`, n, async ({ under, model }, job, { claim: { lease } }) => {
    const outcome = { kind: 'exited', code } as const;
    const log = lines(1, 'last words');
    return { held: await under.store.finish(lease, succeeded({ outcome, log })), apply: () => finishAs(model, job, outcome, log) };
  });

const release = (n: number): Step =>
  asHolder('release', n, async ({ under, model }, job, { claim: { lease } }) => ({
    held: await under.store.release(lease, lines(1, 'handed back')),
    apply: () => {
      if (job.cancelAsked) return finishAs(model, job, { kind: 'canceled', ran: true }, lines(1, 'handed back'));
      job.log.push(...texts(lines(1, 'handed back')));
      job.status = 'queued';
      job.attempt -= 1;
      endLease(model, job);
    },
  }));

const writeWithPastLease = (n: number): Step =>
  step(
    `writeWithPastLease(${n})`,
    async (model, { under, compare }) => {
      const { lease } = pick(model.past, n);
      expect(await under.store.append(lease, lines(1, 'too late'))).toBe('lost');
      expect(await under.store.renew(lease, LEASE_MS)).toBe('lost');
      expect(await under.store.release(lease, lines(1, 'too late'))).toBe(false);
      expect(await under.store.finish(lease, succeeded())).toBe(false);
      await compare(model.jobs.filter(({ id }) => id === lease.jobId));
    },
    (model) => model.past.length > 0,
  );

const cancel = (n: number): Step =>
  step(
    `cancel(${n})`,
    async (model, session) => {
      const job = pick(model.jobs, n);
      await session.under.store.cancel(job.id, lines(1, 'canceled'));
      if (job.status === 'queued') finishAs(model, job, { kind: 'canceled', ran: false }, lines(1, 'canceled'));
      if (job.held !== undefined) {
        job.cancelAsked = true;
        // A claim from before a crash belongs to a process that is gone, and its signal with it.
        if (!job.held.beforeCrash) expect(job.held.claim.canceled.aborted).toBe(true);
      }
      await session.compare([job]);
    },
    (model) => model.jobs.length > 0,
  );

const advance = (ms: number): Step => step(`advance(${ms})`, (_, { under }) => under.advance(ms));

const runRescue = async (model: Model, session: Session): Promise<void> => {
  const now = session.under.now();
  const running = withStatus(model, 'running');
  const { requeued, lost, canceled } = await session.under.store.rescue(RULES);
  const taken = new Set([...requeued, ...lost, ...canceled]);
  expect(taken.size).toBe(requeued.length + lost.length + canceled.length);
  for (const job of running) {
    if (job.held === undefined) throw new Error('a running job without a lease');
    if (isSafe(job.held, now)) expect(taken).not.toContain(job.id);
    if (now > job.held.expiresAt) expect(taken).toContain(job.id);
    if (!taken.delete(job.id)) continue;
    if (job.cancelAsked) {
      expect(canceled).toContain(job.id);
      finishAs(model, job, { kind: 'canceled', ran: true }, [{ text: 'canceled\n' }]);
    } else if (job.attempt < RULES.maxAttempts) {
      expect(requeued).toContain(job.id);
      job.log.push(`attempt ${job.attempt} was lost\n`);
      job.status = 'queued';
      endLease(model, job);
    } else {
      expect(lost).toContain(job.id);
      finishAs(model, job, { kind: 'worker_lost' }, [{ text: 'no attempts are left\n' }]);
    }
  }
  expect([...taken]).toEqual([]);
  await session.compare(running);
};

const remove = (n: number): Step =>
  step(
    `delete(${n})`,
    async (model, { under, compare }) => {
      const job = pick(model.jobs, n);
      const result = await under.store.delete(job.id);
      expect(result).toBe(isFinished(job) ? 'deleted' : 'not_finished');
      if (result === 'not_finished') return compare([job]);
      model.jobs.splice(model.jobs.indexOf(job), 1);
      model.deleted.push(job);
      expect(await under.store.get(job.id)).toBeUndefined();
    },
    (model) => model.jobs.length > 0,
  );

const crash: Step = step('crash', (_, session) => session.crash());

const n = fc.nat({ max: 20 });
const owner = fc.constantFrom('', 'alice', 'bob');

/** All that may happen to a store, the usual more often than the rest. */
export const steps: fc.Arbitrary<Step>[] = [
  fc.tuple(owner, fc.option(fc.constantFrom('a', 'b'), { nil: undefined, freq: 1 })).map(([whose, key]) => submit(whose, key)),
  owner.map((whose) => submit(whose, undefined)),
  owner.map((whose) => submit(whose, undefined)),
  fc.integer({ min: 1, max: 3 }).map(claim),
  fc.constant(claim(1)),
  fc.constant(claim(2)),
  fc.tuple(n, fc.constantFrom(0, 1, 2, 30, 600, 2500)).map(([which, count]) => append(which, count)),
  fc.tuple(n, fc.constantFrom(1, 3)).map(([which, count]) => append(which, count)),
  n.map(renew),
  fc.tuple(n, fc.constantFrom(0, 1)).map(([which, code]) => finish(which, code)),
  n.map(release),
  n.map(writeWithPastLease),
  n.map(cancel),
  fc.constantFrom(1, LEASE_MS / 2, LEASE_MS, LEASE_MS + 1).map(advance),
  fc.constant(step('rescue', runRescue)),
  n.map(remove),
  fc.constant(crash),
];
