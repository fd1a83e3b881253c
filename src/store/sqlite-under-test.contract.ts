import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errnoOf } from '../errors.ts';
import type { StoreUnderTest } from './contract/store-under-test.contract.ts';
import { createSqliteStore } from './sqlite.ts';

const A_DAY_IN_2026 = Date.UTC(2026, 0, 15);

/** What a `kill -9` leaves: the files as they are while the database is open. */
async function copyOpenDatabase(from: string, to: string): Promise<void> {
  for (const suffix of ['', '-wal']) {
    await copyFile(from + suffix, to + suffix).catch((error: unknown) => {
      if (errnoOf(error) !== 'ENOENT') throw error;
    });
  }
}

/** An SQLite store in a folder of its own. */
export async function openSqliteStore(): Promise<StoreUnderTest> {
  const dir = await mkdtemp(join(tmpdir(), 'sqlite-store-'));
  let lives = 0;
  let now = A_DAY_IN_2026;
  const pathOf = (life: number): string => join(dir, String(life), 'jobs.sqlite');
  const open = async () => {
    await mkdir(join(dir, String(lives)), { recursive: true });
    return createSqliteStore({ path: pathOf(lives), sync: 'normal', now: () => now, steady: () => now });
  };

  const under: StoreUnderTest = {
    store: await open(),
    now: () => now,
    async advance(ms) {
      now += ms;
    },
    async reopen() {
      await mkdir(join(dir, String(lives + 1)));
      await copyOpenDatabase(pathOf(lives), pathOf(lives + 1));
      await under.store.close();
      lives += 1;
      under.store = await open();
      return under.store;
    },
    async close() {
      await under.store.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
  return under;
}
