import { join } from 'node:path';
import { openSandbox } from '../compose/open-sandbox.ts';
import { undoList } from '../compose/undo-list.ts';
import type { Config } from '../config.ts';
import { createLogger } from '../logger.ts';
import type { Runtimes } from '../runtimes/runtime.ts';
import { createRuntimes } from '../runtimes/runtimes.ts';
import type { SandboxHealth } from '../sandbox/sandbox.ts';
import { serviceEnvironment } from './environment.ts';
import { failure, finding, type Finding } from './finding.ts';

const TRIAL_UID = 54_000;

function python(runtimes: Runtimes): Finding {
  const all = runtimes.list();
  const nameOf = (name: string): string => `${name}${name === runtimes.defaultName ? ' (default)' : ''}`;
  const missing = all.filter(({ state }) => state === 'failed');
  if (missing.length > 0)
    return finding(
      'Python',
      'failed',
      missing.map(({ name }) => `${nameOf(name)} is not there`).join(', '),
      ...missing.map(({ detail = '' }) => detail),
    );
  return finding('Python', 'ok', all.map(({ name, version }) => `${nameOf(name)} ${version}`).join(', '));
}

function isolation(name: string, { guarantees, notes }: SandboxHealth): Finding {
  const missing = Object.entries(guarantees)
    .filter(([, held]) => !held)
    .map(([which]) => which);
  if (missing.length === 0) return finding('isolation', 'ok', `${name}, with all guarantees`, ...notes);
  return finding('isolation', 'weak', `${name}, without these guarantees: ${missing.join(', ')}`, ...notes);
}

/** This machine's interpreters alone, to see whether it was for them that no sandbox works. */
async function interpreters(config: Config): Promise<Finding> {
  try {
    const runtimes = await createRuntimes({
      dir: join(config.dataDir, '../runtimes'),
      defaultRuntime: config.DEFAULT_RUNTIME,
      aliases: config.RUNTIME_ALIASES,
      packages: 'off',
      searchPath: config.PYTHON_SEARCH_PATH,
      environment: serviceEnvironment({}),
      log: () => undefined,
    });
    const found = python(runtimes);
    await runtimes.close();
    return found;
  } catch (error) {
    return failure('Python', error);
  }
}

/** Opens the sandbox that the configuration asks for and tries it out with a program that does nothing. Leaves nothing behind. */
export async function examineJobs(config: Config): Promise<Finding[]> {
  const trial: Config = {
    ...config,
    // Its folder names what a service has on this machine: here nobody else's.
    dataDir: join(config.dataDir, `../doctor-${process.pid}`),
    SANDBOX_UID: TRIAL_UID,
    CONCURRENCY: 1,
    WARM_STARTS: false,
    RUNTIME_PACKAGES: 'off',
  };
  const logger = createLogger('silent');
  const undo = undoList(logger);
  const told: string[] = [];
  try {
    const { sandbox, health, runtimes } = await openSandbox(
      {
        config: trial,
        logger,
        environment: serviceEnvironment({}),
        tell: (line) => told.push(line),
        warmEvents: { trouble: () => undefined },
      },
      undo,
    );
    return [python(runtimes), isolation(sandbox.name, { ...health, notes: [...told, ...health.notes] })];
  } catch (error) {
    const itself = failure('isolation', error);
    if (config.sandbox === 'docker') return [itself];
    const before = await interpreters(trial);
    return before.state === 'failed' ? [before] : [before, itself];
  } finally {
    await undo.run();
  }
}
