import { describe } from 'vitest';
import { collecting } from './contract/collecting.contract.ts';
import { ending } from './contract/ending.contract.ts';
import { isolation } from './contract/isolation.contract.ts';
import { limits } from './contract/limits.contract.ts';
import { network } from './contract/network.contract.ts';
import { programs } from './contract/programs.contract.ts';
import type { SandboxUnderTest } from './contract/runs.contract.ts';
import { streams } from './contract/streams.contract.ts';
import { useSandbox } from './contract/suite.contract.ts';

/**
 * What every sandbox driver promises, by behaviour. A guarantee that a driver does not give is listed by `check`, and its absence shows
 * in `/readyz`.
 */
export function sandboxContract(name: string, open: () => Promise<SandboxUnderTest>): void {
  describe(`sandbox ${name}`, () => {
    const t = useSandbox(name, open);
    programs(t);
    streams(t);
    ending(t);
    collecting(t);
    network(t);
    isolation(t);
    limits(t);
  });
}
