import { dirname, join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { StartError } from '../errors.ts';
import { createImageRuntimes } from '../runtimes/image-runtimes.ts';
import type { Runtimes } from '../runtimes/runtime.ts';
import { createRuntimes } from '../runtimes/runtimes.ts';
import { createDocker } from '../sandbox/docker.ts';
import type { Sandbox, SandboxHealth } from '../sandbox/sandbox.ts';
import type { PoolEvents } from '../sandbox/warm/pool.ts';
import { chooseSandbox, egressOf, warmContainers } from './choose-sandbox.ts';
import { undoList, type UndoList } from './undo-list.ts';

/** Where jobs run, and on what: each sandbox has its own kind of interpreters. */
export interface Execution {
  sandbox: Sandbox;
  health: SandboxHealth;
  runtimes: Runtimes;
}

export interface ExecutionParts {
  config: Config;
  logger: Logger;
  /** The machine's environment: where homes, proxies and package indexes are. */
  environment: NodeJS.ProcessEnv;
  tell(line: string): void;
  warmEvents: PoolEvents;
}

const LOOK_AT_IMAGES_MS = 5000;

/** On this machine's own interpreters: bubblewrap, or none at all. */
async function onThisHost({ config, environment, tell, warmEvents }: ExecutionParts, undo: UndoList): Promise<Execution> {
  const runtimes = await createRuntimes({
    dir: join(dirname(config.dataDir), 'runtimes'),
    defaultRuntime: config.DEFAULT_RUNTIME,
    aliases: config.RUNTIME_ALIASES,
    packages: config.RUNTIME_PACKAGES,
    searchPath: config.PYTHON_SEARCH_PATH,
    environment,
    log: tell,
  });
  undo.add(() => runtimes.close());
  const sandbox = await chooseSandbox(config, runtimes, warmEvents);
  undo.add(() => sandbox.close());
  return { sandbox, runtimes, health: await sandbox.check() };
}

/** In containers, on the interpreters of images. */
async function inContainers({ config, environment, warmEvents }: ExecutionParts, undo: UndoList): Promise<Execution> {
  const sandbox = createDocker({
    engine: {
      dockerHost: config.DOCKER_HOST,
      certificates: config.DOCKER_CERT_PATH,
      runtimeDir: environment['XDG_RUNTIME_DIR'],
    },
    runtime: config.DOCKER_RUNTIME,
    network: config.DOCKER_NETWORK,
    egress: egressOf(config),
    warm: config.WARM_STARTS ? warmContainers(config, warmEvents) : undefined,
  });
  undo.add(() => sandbox.close());
  const health = await sandbox.check();
  const named = Object.entries(config.JOB_RUN_IMAGES).map(([name, image]) => ({ name, image }));
  const runtimes = await createImageRuntimes({
    images: named.length > 0 ? named : [{ name: undefined, image: config.JOB_RUN_IMAGE }],
    describe: (image) => sandbox.describe(image),
    buildCommand: (image) => sandbox.buildCommand(image),
    defaultRuntime: config.DEFAULT_RUNTIME,
    aliases: config.RUNTIME_ALIASES,
    lookEveryMs: LOOK_AT_IMAGES_MS,
  });
  undo.add(() => runtimes.close());
  return { sandbox, runtimes, health };
}

/**
 * Opens the sandbox that the configuration names; where it names none, bubblewrap, or Docker on a machine where bubblewrap can't work.
 * Never one with less isolation than either. Throws a StartError with the line that mends it.
 */
export async function openSandbox(parts: ExecutionParts, undo: UndoList): Promise<Execution> {
  const { config, logger, tell } = parts;
  if (config.sandbox === 'docker') return inContainers(parts, undo);
  if (config.sandbox !== undefined) return onThisHost(parts, undo);

  const first = undoList(logger);
  try {
    const here = await onThisHost(parts, first);
    undo.add(() => first.run());
    return here;
  } catch (error) {
    await first.run();
    if (!(error instanceof StartError)) throw error;
    const second = undoList(logger);
    try {
      const there = await inContainers(parts, second);
      undo.add(() => second.run());
      tell(`${error.message} Jobs run in Docker containers instead.`);
      return there;
    } catch (alsoNot) {
      await second.run();
      if (!(alsoNot instanceof StartError)) throw alsoNot;
      throw new StartError(`${error.message} Nor can jobs run in containers: ${alsoNot.message}`, error.remedy, error);
    }
  }
}
