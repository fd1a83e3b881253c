import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { say } from './say.mjs';

/**
 * Keeps other starts from preparing this folder at the same time; waits for one that does. Returns how to let go.
 * flock(1), of util-linux, locks a descriptor that it shares with us, so the lock is ours until we close it or die: a
 * killed start leaves nothing to clean up. Where there is no flock there is no lock.
 */
export function holdLock() {
  const descriptor = openSync('package.json', 'r');
  const flock = (...options) => spawnSync('flock', [...options, '3'], { stdio: ['ignore', 'ignore', 'ignore', descriptor] });
  if (flock('--nonblock').status === 1) {
    say('Another start is preparing this folder; waiting for it …');
    flock();
  }
  return () => closeSync(descriptor);
}
