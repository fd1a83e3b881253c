import { refuseToStart, runUntilSignal } from './compose/run-until-signal.ts';
import { runtimesLines, sandboxLines } from './compose/start-lines.ts';
import { readWorkerConfig } from './config.ts';
import { createLogger } from './logger.ts';
import { startWorkerService, type WorkerService } from './worker-service.ts';

/** `npm run worker`: runs jobs that were accepted elsewhere, and answers no requests. */

function announce({ hosting }: WorkerService, concurrency: number): void {
  const lines = [
    `Job Runner's worker waits for jobs, ${concurrency} at a time`,
    ...sandboxLines(hosting.sandbox),
    ...runtimesLines(hosting.runtimes.list()),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

async function main(): Promise<void> {
  const config = readWorkerConfig();
  const logger = createLogger(config.LOG_LEVEL);
  await runUntilSignal(logger, config.DRAIN_GRACE_MS, async () => {
    const worker = await startWorkerService(config, logger, process.env, (line) => process.stdout.write(`  … ${line}\n`));
    announce(worker, config.CONCURRENCY);
    return worker;
  });
}

main().catch(refuseToStart);
