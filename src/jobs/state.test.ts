import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { STATUSES } from '../api/job.ts';
import { endingOf, type Outcome } from './outcome.ts';
import { isFinal, TRANSITIONS } from './state.ts';

describe('the state table', () => {
  it('is what docs/states.md draws', async () => {
    const page = await readFile('docs/states.md', 'utf8');
    const drawn = [...page.matchAll(/^ {2}(\w+) --> (\w+): (\w+)$/gm)].map(([, from, to, name]) => `${name}: ${from} to ${to}`);
    const table = Object.entries(TRANSITIONS).flatMap(([name, { from, to }]) =>
      from.flatMap((start) => to.map((end) => `${name}: ${start} to ${end}`)),
    );
    expect(drawn.toSorted()).toEqual(table.toSorted());
  });

  it('leads nowhere from a final status, and everywhere from the first one', () => {
    const transitions = Object.values(TRANSITIONS) as readonly { from: readonly string[]; to: readonly string[] }[];
    expect(transitions.flatMap(({ from }) => [...from]).filter((status) => ['succeeded', 'failed', 'canceled'].includes(status))).toEqual(
      [],
    );
    const reached = new Set(['queued', ...transitions.flatMap(({ to }) => [...to])]);
    expect([...reached].toSorted()).toEqual(STATUSES.toSorted());
  });
});

describe('endings', () => {
  it.each<[Outcome, string, number | null, string | null, string | null]>([
    [{ kind: 'exited', code: 0 }, 'succeeded', 0, null, null],
    [{ kind: 'exited', code: 3 }, 'failed', 3, 'non-zero exit', 'exit_nonzero'],
    [{ kind: 'signaled', signal: 'SIGSEGV', number: 11 }, 'failed', 139, 'non-zero exit', 'signal'],
    [{ kind: 'timeout' }, 'failed', 137, 'timeout', 'timeout'],
    [{ kind: 'missing_entry' }, 'failed', 127, 'missing entry file', 'missing_entry'],
    [{ kind: 'oom' }, 'failed', 137, 'out of memory', 'oom'],
    [{ kind: 'output_limit' }, 'failed', 137, 'output limit exceeded', 'output_limit'],
    [{ kind: 'disk_limit' }, 'failed', 137, 'disk limit exceeded', 'disk_limit'],
    [{ kind: 'canceled', ran: true }, 'canceled', 137, 'canceled', 'canceled'],
    [{ kind: 'canceled', ran: false }, 'canceled', null, 'canceled', 'canceled'],
    [{ kind: 'worker_lost' }, 'failed', null, 'worker lost', 'worker_lost'],
    [{ kind: 'internal' }, 'failed', null, 'internal error', 'internal'],
  ])('%j is told as the wire format says', (outcome, status, exitCode, error, cause) => {
    const ending = endingOf(outcome);
    expect([ending.status, ending.exitCode, ending.error, ending.cause, isFinal(ending.status)]).toEqual([
      status,
      exitCode,
      error,
      cause,
      true,
    ]);
  });
});
