import { refuseToStart, runUntilSignal } from './compose/run-until-signal.ts';
import { runtimesLines, sandboxLines } from './compose/start-lines.ts';
import { readConfig } from './config.ts';
import { createLogger } from './logger.ts';
import { startService, type Service } from './service.ts';

/** `npm start`: the API, and unless INLINE_WORKER=0 a worker, in one process. */

function announce({ url, hosting }: Service): void {
  const lines = [
    `Job Runner listens on ${url}`,
    `  console  ${url}`,
    `  API      ${url}/docs`,
    ...(hosting === undefined
      ? ['  jobs     run in workers; start one or many: npm run worker']
      : [...sandboxLines(hosting.sandbox), ...runtimesLines(hosting.runtimes.list())]),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

async function main(): Promise<void> {
  const config = readConfig();
  const logger = createLogger(config.LOG_LEVEL);
  await runUntilSignal(logger, config.DRAIN_GRACE_MS, async () => {
    const service = await startService(config, logger, process.env, (line) => process.stdout.write(`  … ${line}\n`));
    announce(service);
    return service;
  });
}

main().catch(refuseToStart);
