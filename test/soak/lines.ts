import type { Allowance } from './flatness.ts';
import type { Sample } from './samples.ts';

/**
 * What is drawn, and what it may gain over the part of the soak that is looked at. What is kept for a while follows how much was done in that
 * while, by which it is judged instead (`kept.ts`); it has no allowance.
 */
export const LINES: readonly { key: Exclude<keyof Sample, 'minute'>; title: string; unit: string; allowance?: Allowance }[] = [
  { key: 'rssMiB', title: 'resident memory', unit: 'MiB', allowance: { share: 0.05, least: 6 } },
  { key: 'heapMiB', title: 'heap after collections', unit: 'MiB', allowance: { share: 0.05, least: 3 } },
  { key: 'descriptors', title: 'open descriptors', unit: '', allowance: { share: 0.1, least: 6 } },
  { key: 'processes', title: 'processes', unit: '', allowance: { share: 0.1, least: 4 } },
  { key: 'namespaces', title: 'namespaces', unit: '', allowance: { share: 0.1, least: 8 } },
  { key: 'mounts', title: 'mounts', unit: '', allowance: { share: 0.1, least: 40 } },
  { key: 'cgroups', title: 'control groups', unit: '', allowance: { share: 0.1, least: 6 } },
  { key: 'diskMiB', title: 'data folder', unit: 'MiB' },
  { key: 'rows', title: 'jobs in the database', unit: '' },
];
