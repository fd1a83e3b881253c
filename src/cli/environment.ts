import { homedir } from 'node:os';
import { join } from 'node:path';

/** The command line's own variables, and the only place that reads them. The service's are src/config.ts's. */

export interface CliEnvironment {
  url: string | undefined;
  apiKey: string | undefined;
  /** The service's own variable: the commands that change the file find it by it, too. */
  keysFile: string | undefined;
  /** The service's own variable, too: whether its folder is meant, and not the command line's. */
  jobsDir: string | undefined;
  /** The folder for what services that the command line starts by itself keep. */
  dataDir: string;
}

/** An empty variable counts as unset. */
export const variable = (name: string): string | undefined => process.env[name] || undefined;

export const readEnvironment = (): CliEnvironment => ({
  url: variable('JOB_RUNNER_URL'),
  apiKey: variable('JOB_RUNNER_API_KEY'),
  keysFile: variable('API_KEYS_FILE'),
  jobsDir: variable('JOB_DATA_DIR'),
  dataDir: join(variable('XDG_DATA_HOME') ?? join(homedir(), '.local/share'), 'job-runner'),
});

/** The environment for a service that we start: ours, with some of its variables set. */
export const serviceEnvironment = (variables: Record<string, string>): NodeJS.ProcessEnv => ({ ...process.env, ...variables });
