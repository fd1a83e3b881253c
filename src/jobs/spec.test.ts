import { describe, expect, it } from 'vitest';
import { createSpecParser } from './spec.ts';

const parse = createSpecParser({
  defaultRuntime: 'python3.12',
  maxTimeoutSec: 600,
  maxCpus: 2,
  maxMemMb: 4096,
  maxPids: 1024,
  maxDiskMb: 4096,
  maxOutputMb: 1024,
});

const problemsOf = (spec: unknown): string[] => {
  const parsed = parse(JSON.stringify(spec));
  return parsed.ok ? [] : parsed.errors.map(({ pointer, detail }) => `${pointer} ${detail}`);
};

describe('a specification', () => {
  it('takes arguments and variables up to what a program can be started with', () => {
    expect(problemsOf({ args: ['x'.repeat(131_071)], env: { A: 'x'.repeat(131_069) } })).toEqual([]);
    expect(problemsOf({ args: ['x'.repeat(131_072)] })).toEqual(['/spec/args/0 is longer than 131071 bytes']);
    expect(problemsOf({ args: ['é'.repeat(65_536)] })).toEqual(['/spec/args/0 is longer than 131071 bytes']);
    expect(problemsOf({ env: { A: 'x'.repeat(131_070) } })).toEqual(['/spec/env has too long a variable']);
    expect(problemsOf({ args: Array(9).fill('x'.repeat(120_000)) })).toEqual(['/spec/args are too long together']);
    expect(problemsOf({ env: Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`A${i}`, 'x'.repeat(120_000)])) })).toEqual([
      '/spec/env is too long altogether',
    ]);
  });

  it('says which entry of an allow-list is none, and why', () => {
    const problemsWith = (net_policy: unknown): string[] => problemsOf({ net_policy });
    expect(
      problemsWith({ allow: ['a.b', '*.a-b.c:443', 'x_y.z.', 'localhost', '1.2.3.4:80', '::1', '[2001:DB8::1]:53', 'xn--bcher-kva.de'] }),
    ).toEqual([]);
    const wrong = [
      'https://a.b',
      'a/b',
      '1.2.3.0/24',
      'a.b:0',
      'a.b:65536',
      'a.b:x',
      '*',
      '*.*.a',
      'a..b',
      '1.2.3',
      '256.1.1.1',
      '-a.b',
      'bücher.de',
      '',
      '[a.b]:1',
      '::ffff:1.2.3.4',
      `${'a'.repeat(64)}.b`,
    ];
    expect(problemsWith({ allow: wrong }).map((problem) => problem.split(' ')[0])).toEqual(
      wrong.map((_, index) => `/spec/net_policy/allow/${index}`),
    );
    expect(problemsWith({ allow: ['a.b', 7] })).toEqual(['/spec/net_policy/allow/1 Invalid input: expected string, received number']);
    expect(problemsWith({ allow: Array(101).fill('a.b') })).toHaveLength(1);
    // What would be another restriction is not passed over.
    expect(problemsWith({ allow: [], deny: ['a.b'] })).toEqual(['/spec/net_policy Unrecognized key: "deny"']);
    expect(problemsWith('inbound')).toEqual([
      '/spec/net_policy must be "none", "outbound" or {"allow": ["api.example.org", "*.example.org:443"]}',
    ]);
  });

  it('with very many entries is refused without a look at each', () => {
    expect(problemsOf({ args: Array(20_000).fill('') })).toEqual([]);
    expect(problemsOf({ args: Array(20_001).fill(1), env: Object.fromEntries(Array.from({ length: 20_001 }, (_, i) => [i, 1])) })).toEqual([
      '/spec/args has more than 20000 entries',
      '/spec/env has more than 20000 entries',
    ]);
    expect(problemsOf({ unknown: Array(20_001).fill(1) })).toEqual([]);
  });

  it('says what was sent of the fields that are known', () => {
    expect(parse('{"timeout_sec": "20", "unknown": 1}')).toMatchObject({ ok: true, sent: { timeout_sec: '20' } });
    expect(parse('{"unknown": 1}')).toMatchObject({ ok: true, sent: {} });
  });
});
