import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/** Within this time a signal counts as the one before: npm passes on what the terminal has sent to all of us already. */
const SAME_SIGNAL_MS = 500;

/**
 * Runs a program in our place: its terminal and files are ours, signals go on to it, and its end is our end. It is out
 * of the terminal's process group, so that each Ctrl-C reaches it through us, once; twice would mean "at once" to it.
 */
export function runToItsEnd(program, args) {
  const child = spawn(program, args, { stdio: 'inherit', detached: true });
  let lastSignalAt = 0;
  const passOn = (signal) => {
    const now = Date.now();
    if (now - lastSignalAt > SAME_SIGNAL_MS) child.kill(signal);
    lastSignalAt = now;
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => passOn(signal));
  // The terminal is gone; the program would not outlive it either if it were in its group.
  process.on('SIGHUP', () => passOn('SIGTERM'));
  child.on('error', (error) => {
    process.stderr.write(`${program} could not be started: ${error.message}\n`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}
