import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKey, revokeKeys } from '../../src/keys/edit.ts';
import type { limitFields } from '../../src/keys/key-file.ts';
import type { z } from 'zod';

export interface Tenant {
  name: string;
  key: string;
  keyId: string;
  /** Requests with the tenant's key. */
  fetch(url: string, init?: RequestInit): Promise<Response>;
}

export interface TenantFile {
  path: string;
  add(name: string, limits?: Partial<z.output<typeof limitFields>>): Promise<Tenant>;
  revoke(which: string): Promise<string[]>;
  remove(): Promise<void>;
}

/** A file of keys of a test's own. */
export async function tenantFile(): Promise<TenantFile> {
  const dir = await mkdtemp(join(tmpdir(), 'job-runner-tenants-'));
  const path = join(dir, 'keys.json');
  return {
    path,
    async add(name, limits = {}) {
      const { secret, id } = await createKey(path, name, limits);
      return {
        name,
        key: secret,
        keyId: id,
        fetch: (url, init = {}) => {
          const headers = new Headers(init.headers);
          headers.set('authorization', `Bearer ${secret}`);
          return fetch(url, { ...init, headers });
        },
      };
    },
    revoke: (which) => revokeKeys(path, which),
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}
