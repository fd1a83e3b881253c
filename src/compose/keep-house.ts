import type { Logger } from 'pino';
import type { Artifacts } from '../artifacts/artifacts.ts';
import type { Config } from '../config.ts';
import type { Store } from '../store/store.ts';
import { startRescuer } from '../worker/rescuer.ts';
import { startRetention } from '../worker/retention.ts';
import type { UndoList } from './undo-list.ts';

const HOUR_MS = 3_600_000;
const GIB = 1024 ** 3;
const RETENTION_EVERY_MS = 60_000;

/** What every process does for all: rescuing jobs whose worker is gone, and removing what is old. */
export function keepHouse(config: Config, store: Store, artifacts: Artifacts, logger: Logger, undo: UndoList): void {
  undo.add(startRescuer(store, config.MAX_ATTEMPTS, config.LEASE_MS / 2, logger));
  const rules = { maxAgeMs: config.RETENTION_HOURS * HOUR_MS, maxBytes: config.RETENTION_GB * GIB };
  undo.add(startRetention(store, artifacts, rules, RETENTION_EVERY_MS, logger));
}
