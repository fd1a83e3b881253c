import { InvalidArgumentError } from 'commander';

/** How the values of options are read. */

/** Of an option that may be repeated. */
export const collected = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];

export function number(value: string): number {
  if (value.trim() === '' || !Number.isFinite(Number(value))) throw new InvalidArgumentError('It is no number.');
  return Number(value);
}

export function count(value: string): number {
  if (!/^[1-9]\d*$/.test(value)) throw new InvalidArgumentError('It is no whole number above 0.');
  return Number(value);
}
