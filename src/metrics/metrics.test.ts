import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Store } from '../store/store.ts';
import { createMetrics } from './metrics.ts';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string): Promise<string> => readFile(join(ROOT, path), 'utf8');

let known: Map<string, string>;
beforeAll(async () => {
  const metrics = createMetrics();
  // Nothing is asked of it here but to be there.
  metrics.observe({ stats: () => Promise.reject(new Error('no store')) } as Partial<Store> as Store);
  metrics.describe(1, { version: '1' });
  const { text } = await metrics.expose();
  known = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]));
});

/** Names of metrics in a text, as they are asked for: a histogram's parts have its name and more. */
const namesIn = (text: string): string[] => [
  ...new Set(
    [...text.matchAll(/\b(?:job_runner|process|nodejs)_[a-z0-9_]+/g)].map(([name]) =>
      known.has(name) ? name : name.replace(/_(bucket|sum|count)$/, ''),
    ),
  ),
];

describe('metrics', () => {
  it.each(['deploy/grafana/job-runner.json', 'deploy/prometheus/alerts.yml'])('%s asks for none that is not there', async (path) => {
    const asked = namesIn(await read(path));
    expect(asked.length).toBeGreaterThan(5);
    expect(asked.filter((name) => !known.has(name))).toEqual([]);
  });

  it('are told of in docs/operating.md, each of ours with its type', async () => {
    const page = await read('docs/operating.md');
    const told = new Map(
      [...page.matchAll(/^\| (`job_runner_[^|]+) \| (\w+)/gm)].flatMap(([, names = '', type = '']) =>
        [...names.matchAll(/`(\w+)`/g)].map(([, name = '']): [string, string] => [name, type]),
      ),
    );
    const ours = [...known].filter(([name]) => name.startsWith('job_runner_'));
    expect(Object.fromEntries(told)).toEqual(Object.fromEntries(ours));
  });

  it('have alerts that docs/operating.md has an answer to', async () => {
    const page = await read('docs/operating.md');
    const alerts = [...(await read('deploy/prometheus/alerts.yml')).matchAll(/alert: (\w+)/g)].map(([, name = '']) => name);
    expect(alerts.filter((name) => !new RegExp(`^\\*\\*[^*]*\\b${name}\\b`, 'm').test(page))).toEqual([]);
  });
});
