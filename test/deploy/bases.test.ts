import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const read = (path: string): Promise<string> => readFile(join(import.meta.dirname, '../..', path), 'utf8');

describe('the bases of published images', () => {
  it('are those that the Dockerfiles name, by digest', async () => {
    const bases = new Map(
      [...(await read('deploy/bases.env')).matchAll(/^(\w+)=(\S+)@sha256:[0-9a-f]{64}$/gm)].map(([, name = '', tag = '']) => [name, tag]),
    );
    for (const dockerfile of ['Dockerfile', 'Dockerfile.exec']) {
      const named = [...(await read(dockerfile)).matchAll(/^ARG (\w+_IMAGE)=(\S+)$/gm)];
      expect(named).not.toEqual([]);
      for (const [, name = '', tag] of named) expect(bases.get(name), `${name} of ${dockerfile}`).toBe(tag);
    }
  });
});
