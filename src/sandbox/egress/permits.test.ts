import { describe, expect, it } from 'vitest';
import { createPermits } from './permits.ts';
import { MAX_PERMITTED } from './ruleset.ts';

const at = (address: string, ttlSec = 60, ports?: number[]) => ({ address, ttlSec, ports });

describe('the addresses of an allow-list’s names', () => {
  it('are opened for the time that their answers say, within bounds, and not again before half of it is over', async () => {
    const scripts: string[] = [];
    const permit = createPermits(async (script) => void scripts.push(script));
    await permit([at('1.2.3.4'), at('2a00::1', 1000, [80, 443]), at('1.2.3.4', 10)]);
    await permit([at('1.2.3.4')]);
    await permit([at('5.6.7.8', 1_000_000, [53])]);
    expect(scripts).toEqual([
      'add element inet job hosts4 { 1.2.3.4 timeout 300s }\n' +
        'add element inet job ports6 { 2a00::1 . 80 timeout 1000s }\nadd element inet job ports6 { 2a00::1 . 443 timeout 1000s }\n',
      'add element inet job ports4 { 5.6.7.8 . 53 timeout 3600s }\n',
    ]);
  });

  it('are told only when they are open, and tried again when they were not', async () => {
    let works = false;
    const permit = createPermits(async () => {
      if (!works) throw new Error('nft: no');
    });
    await expect(permit([at('1.2.3.4')])).rejects.toThrow('nft: no');
    works = true;
    await permit([at('1.2.3.4')]);
  });

  it('are so many at most', async () => {
    const permit = createPermits(async () => undefined);
    const many = (from: number, count: number) =>
      Array.from({ length: count }, (_, index) => at(`1.2.${(from + index) >> 8}.${(from + index) & 255}`));
    await permit(many(0, MAX_PERMITTED));
    await expect(permit(many(MAX_PERMITTED, 1))).rejects.toThrow('too many');
    await permit(many(0, 10));
  });
});
