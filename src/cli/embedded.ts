import { fork } from 'node:child_process';
import { once } from 'node:events';
import { extname, join } from 'node:path';
import { NODE_FLAGS } from '../node-flags.ts';
import { serviceEnvironment } from './environment.ts';
import { CliFailure } from './failure.ts';

/** What the process of an embedded service tells. */
export type FromEmbedded =
  | { kind: 'ready'; url: string; isolated: boolean }
  | { kind: 'note'; line: string }
  | { kind: 'refused'; message: string; remedy: string | undefined };

export interface Embedded {
  url: string;
  /** False when SANDBOX=none asked for that. */
  isolated: boolean;
  /** Cancels what still runs and resolves when the service is gone. */
  stop(): Promise<void>;
}

/** Source and built code have different extensions. */
const MAIN = join(import.meta.dirname, `embedded-main${extname(import.meta.filename)}`);

/**
 * Starts a service on a free port, in a process of its own: it has its own heap and survives nobody. When this process dies,
 * in whatever way, the channel between them closes, and it stops.
 */
export async function startEmbedded(dataDir: string, note: (line: string) => void): Promise<Embedded> {
  const child = fork(MAIN, {
    execArgv: [...NODE_FLAGS],
    // Out of the terminal's group: Ctrl-C is for the command.
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: serviceEnvironment({
      HOST: '127.0.0.1',
      // It is this command's alone.
      API_KEYS_FILE: '',
      PORT: '0',
      JOB_DATA_DIR: join(dataDir, 'jobs'),
      REDIS_URL: '',
      INLINE_WORKER: '1',
      LOG_LEVEL: 'fatal',
      // A job whose service was killed is not run once more by a later command.
      MAX_ATTEMPTS: '1',
    }),
  });
  const gone = once(child, 'exit');
  const stop = async (): Promise<void> => {
    if (child.connected) child.disconnect();
    await gone;
  };
  const ready = await new Promise<Extract<FromEmbedded, { kind: 'ready' }>>((resolve, reject) => {
    child.on('message', (message: FromEmbedded) => {
      if (message.kind === 'note') note(message.line);
      else if (message.kind === 'ready') resolve(message);
      else reject(new CliFailure(message.message, message.remedy));
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new CliFailure(`the embedded service ended with ${signal ?? code}`)));
  });
  return { ...ready, stop };
}
