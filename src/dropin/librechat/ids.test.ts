import { v7 } from 'uuid';
import { assert, nat, property, tuple, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fileIdOf, jobIdOf, sessionIdOf } from './ids.ts';

/** What LibreChat's own routes let through. */
const LIBRECHAT_ID = /^[A-Za-z0-9_-]{21}$/;

describe('ids for LibreChat', () => {
  it('says any job’s id in 21 characters, and back', () => {
    const jobId = tuple(nat(2 ** 41), uint8Array({ minLength: 16, maxLength: 16 })).map(([msecs, random]) =>
      v7({ msecs, random }).replaceAll('-', ''),
    );
    assert(
      property(jobId, (id) => {
        const session = sessionIdOf(id);
        expect(session).toMatch(LIBRECHAT_ID);
        expect(jobIdOf(session)).toBe(id);
      }),
    );
  });

  it.each(['', 'short', '../../../../etc/shadow', '_'.repeat(21), 'é'.repeat(21)])('knows that no job has the id %j', (id) => {
    expect(jobIdOf(id)).toBeUndefined();
  });

  it('gives each name of a session an id, the same each time', () => {
    expect(fileIdOf('a/é b.csv')).toMatch(LIBRECHAT_ID);
    expect(fileIdOf('a')).toBe(fileIdOf('a'));
    expect(fileIdOf('a')).not.toBe(fileIdOf('b'));
  });
});
