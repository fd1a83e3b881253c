import { describe, expect, it } from 'vitest';
import { traceparentOf } from './sender.ts';

const VALID = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('traceparent', () => {
  it('is taken as it was sent', () => {
    expect(traceparentOf(VALID)).toBe(VALID);
    expect(traceparentOf(` ${VALID} `)).toBe(VALID);
  });

  it('of a later version is taken for what this one knows of it', () => {
    expect(traceparentOf(`cc${VALID.slice(2)}-what-the-future-brings`)).toBe(`cc${VALID.slice(2)}`);
  });

  it.each([
    undefined,
    [VALID, VALID],
    '',
    'nonsense',
    `${VALID}-more`,
    `ff${VALID.slice(2)}`,
    VALID.toUpperCase(),
    VALID.replace('0af7651916cd43dd8448eb211c80319c', '0'.repeat(32)),
    VALID.replace('b7ad6b7169203331', '0'.repeat(16)),
    `${VALID}\nFORGED=1`,
  ])('%j is none', (header) => {
    expect(traceparentOf(header)).toBeUndefined();
  });
});
