import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Seconds of the files that take long, on two cores; near enough to put them in order. */
export const SECONDS: Readonly<Record<string, number>> = {
  'test/attacks/docker.test.ts': 110,
  'test/fidelity/fidelity.test.ts': 140,
  'test/e2e/compose.test.ts': 110,
  'test/e2e/image.test.ts': 100,
  'src/sandbox/docker.test.ts': 124,
  'test/e2e/scaling.test.ts': 77,
  'test/e2e/s3.test.ts': 62,
  'test/attacks/network/docker.test.ts': 52,
  'test/attacks/bubblewrap.test.ts': 50,
  'test/attacks/bubblewrap-warm.test.ts': 45,
  'test/attacks/network/network.test.ts': 40,
  'src/sandbox/bubblewrap.test.ts': 40,
  'src/sandbox/warm/soak.test.ts': 30,
  'test/e2e/api-examples.test.ts': 25,
  'test/faults/machine.test.ts': 23,
  'src/sandbox/warm/warm.test.ts': 20,
  'test/e2e/command-line-alone.test.ts': 20,
  'test/e2e/doctor.test.ts': 20,
  'test/e2e/start.test.ts': 17,
  'test/e2e/exec-image.test.ts': 14,
  'src/sandbox/none.test.ts': 10,
};
const OTHERS_SECONDS = 4;
const DAEMON = join(import.meta.dirname, 'dockerd.ts');

export interface TimedFile {
  name: string;
  seconds: number;
  /** Waits for the others that do: there is one Docker daemon at a time. */
  takesTurns: boolean;
}

/**
 * The order of files in which all workers have something to do to the end: the longest first, and of those that wait for one another none
 * beside another, as far as their times are right. Vitest's own order is by size where it has measured nothing, as on a fresh clone.
 */
export default class LongestFirst extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    const { root, maxWorkers } = this.ctx.config;
    const files = (await super.sort(specifications)).map((specification) => {
      const name = relative(root, specification.moduleId);
      return { specification, name, seconds: SECONDS[name] ?? OTHERS_SECONDS, takesTurns: reaches(specification.moduleId, DAEMON) };
    });
    return inOrder(files, maxWorkers).map(({ specification }) => specification);
  }
}

/** Plays the run through: a worker that is free gets whoever's turn it is, and else the longest that takes no turns. */
export function inOrder<File extends TimedFile>(files: readonly File[], workers: number): File[] {
  const left = files.toSorted((a, b) => b.seconds - a.seconds);
  const freeAt = Array.from({ length: workers }, () => 0);
  let turnAt = 0;
  const order: File[] = [];
  while (left.length > 0) {
    const now = Math.min(...freeAt);
    const best = left.findIndex(({ takesTurns }) => takesTurns === now >= turnAt);
    const [file] = left.splice(Math.max(0, best), 1) as [File];
    const end = Math.max(now, file.takesTurns ? turnAt : 0) + file.seconds;
    freeAt[freeAt.indexOf(now)] = end;
    if (file.takesTurns) turnAt = end;
    order.push(file);
  }
  return order;
}

/** Whether a module is among those that a file imports, and they. */
export function reaches(file: string, module: string, seen = new Set<string>()): boolean {
  if (file === module) return true;
  if (seen.has(file)) return false;
  seen.add(file);
  const imports = readFileSync(file, 'utf8').matchAll(/^(?:import|export|\}) .*?from '(\.[^']+\.ts)';$/gm);
  return [...imports].some(([, path = '']) => reaches(join(dirname(file), path), module, seen));
}
