import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';

interface Compose {
  services: Record<string, { image: string; build?: unknown }>;
}

it('docker-compose.yml has each image built by one service, for builders work at all of them at a time', async () => {
  const text = await readFile(join(import.meta.dirname, '../../docker-compose.yml'), 'utf8');
  const { services } = parse(text, { merge: true }) as Compose;
  const built = Object.values(services).flatMap(({ image, build }) => (build === undefined ? [] : [image]));
  expect(built).toHaveLength(2);
  expect(new Set(built).size).toBe(built.length);
});
