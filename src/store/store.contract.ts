import { describe } from 'vitest';
import { accepting } from './contract/accepting.contract.ts';
import { bounds } from './contract/bounds.contract.ts';
import { canceling } from './contract/canceling.contract.ts';
import { closing } from './contract/closing.contract.ts';
import { deleting } from './contract/deleting.contract.ts';
import { fairness } from './contract/fairness.contract.ts';
import { finishing } from './contract/finishing.contract.ts';
import { following } from './contract/following.contract.ts';
import { idempotency } from './contract/idempotency.contract.ts';
import { leases } from './contract/leases.contract.ts';
import { listing } from './contract/listing.contract.ts';
import { log } from './contract/log.contract.ts';
import { notices } from './contract/notices.contract.ts';
import { queue } from './contract/queue.contract.ts';
import { rescuing } from './contract/rescuing.contract.ts';
import { workers } from './contract/workers.contract.ts';
import type { OpenStore } from './contract/store-under-test.contract.ts';

/**
 * What every store promises, by behaviour. Between a lease's end and its rescue a store may still take its holder's word
 * or refuse it; nothing here depends on which.
 */
export function storeContract(name: string, open: OpenStore): void {
  describe(`store ${name}`, () => {
    accepting(open);
    idempotency(open);
    bounds(open);
    queue(open);
    fairness(open);
    leases(open);
    log(open);
    following(open);
    canceling(open);
    finishing(open);
    rescuing(open);
    listing(open);
    notices(open);
    deleting(open);
    workers(open);
    closing(open);
  });
}
