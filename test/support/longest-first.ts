import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Seconds of the files that take long, on two cores; near enough to put them in order. */
export const SECONDS: Readonly<Record<string, number>> = {
  'test/e2e/compose.test.ts': 200,
  'src/sandbox/docker.test.ts': 111,
  'test/fidelity/fidelity.test.ts': 98,
  'src/sandbox/podman.test.ts': 100,
  'test/attacks/docker.test.ts': 95,
  'test/attacks/bubblewrap.test.ts': 81,
  'src/sandbox/gvisor.test.ts': 80,
  'test/e2e/scaling.test.ts': 76,
  'test/e2e/console-results.test.ts': 60,
  'test/e2e/command-line.test.ts': 60,
  'test/attacks/network/docker.test.ts': 54,
  'test/e2e/s3.test.ts': 49,
  'test/e2e/every-way.test.ts': 47,
  'test/attacks/bubblewrap-warm.test.ts': 43,
  'test/e2e/crash.test.ts': 43,
  'test/e2e/python-client.test.ts': 43,
  'src/artifacts/s3.test.ts': 40,
  'test/e2e/mcp.test.ts': 39,
  'test/e2e/console.test.ts': 39,
  'test/e2e/command-line-alone.test.ts': 37,
  'test/e2e/keys.test.ts': 35,
  'test/e2e/console-look.test.ts': 33,
  'test/attacks/network/network.test.ts': 32,
  'test/e2e/faults.test.ts': 30,
  'test/e2e/exec-image.test.ts': 26,
  'test/e2e/start.test.ts': 25,
  'test/e2e/api-examples.test.ts': 22,
  'test/faults/machine.test.ts': 19,
  'src/sandbox/bubblewrap.test.ts': 19,
  'test/e2e/image.test.ts': 19,
  'src/sandbox/warm/soak.test.ts': 17,
  'test/e2e/examples.test.ts': 17,
  'src/store/redis.test.ts': 17,
  'src/sandbox/collect.test.ts': 17,
  'test/e2e/doctor.test.ts': 15,
  'test/e2e/webhooks.test.ts': 15,
  'test/e2e/network.test.ts': 13,
  'test/e2e/traces.test.ts': 13,
  'test/e2e/page.test.ts': 13,
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
