import { fileURLToPath } from 'node:url';

/** The repository's folder. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** On stderr: stdout is the command's own. */
export const say = (text) => process.stderr.write(`${text}\n`);

/** Says what is wrong and the one thing that mends it, and ends. */
export function stop(problem, remedy) {
  say(`\n${problem}\n  → ${remedy}\n`);
  process.exit(1);
}

/** Says what is being done, and how long it took. `work` stops the whole program when it fails. */
export function step(text, work) {
  say(`${text} …`);
  const startedAt = Date.now();
  work();
  say(`  done in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
}
