import type { LeftOut } from './sandbox.ts';

const MAX_TOLD = 20;

/** Tells of the first few by name and of the others only how many they are: a program can leave a million of them. */
export function createTeller(leftOut: (what: LeftOut) => void): { tell(name: string, reason: string): void; tellRest(): void } {
  let told = 0;
  let untold = 0;
  return {
    tell(name, reason) {
      if (told === MAX_TOLD) untold += 1;
      else {
        told += 1;
        leftOut({ name, reason });
      }
    },
    tellRest() {
      if (untold > 0) leftOut({ name: `${untold} more`, reason: 'for reasons like those above' });
    },
  };
}
