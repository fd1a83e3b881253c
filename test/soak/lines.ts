import type { Allowance } from './flatness.ts';
import type { Sample } from './samples.ts';

/**
 * What is drawn and judged, each with what it may gain over the part of the soak that is looked at. What follows the number of jobs under way
 * goes up and down with them, by its own size and not by a share of it; a leak would go past that within minutes.
 */
export const LINES: readonly { key: Exclude<keyof Sample, 'minute'>; title: string; unit: string; allowance: Allowance }[] = [
  { key: 'rssMiB', title: 'resident memory of the service', unit: 'MiB', allowance: { share: 0.05, least: 6 } },
  { key: 'heapMiB', title: 'JavaScript heap after collections', unit: 'MiB', allowance: { share: 0.05, least: 3 } },
  { key: 'descriptors', title: 'open descriptors', unit: '', allowance: { share: 0.1, least: 6 } },
  { key: 'processes', title: 'processes', unit: '', allowance: { share: 0.25, least: 6 } },
  { key: 'namespaces', title: 'namespaces', unit: '', allowance: { share: 0.25, least: 12 } },
  { key: 'mounts', title: 'mounts', unit: '', allowance: { share: 0.25, least: 60 } },
  { key: 'cgroups', title: 'control groups', unit: '', allowance: { share: 0.25, least: 6 } },
  { key: 'diskMiB', title: 'data folder', unit: 'MiB', allowance: { share: 0.15, least: 4 } },
  { key: 'rows', title: 'jobs in the database', unit: '', allowance: { share: 0.15, least: 40 } },
];
