import { readConfig } from './config.ts';
import { StartError } from './errors.ts';
import { createLogger } from './logger.ts';
import { startService, type Service } from './service.ts';

/** `npm start`: the whole service in one process. */

/** Signals that come so close together are one wish. */
const SAME_SIGNAL_MS = 1000;

function announce(service: Service): void {
  const { name, guarantees, notes } = service.sandbox;
  const missing = Object.entries(guarantees)
    .filter(([, held]) => !held)
    .map(([what]) => what);
  const lines = [
    `Job Runner listens on ${service.url}`,
    `  console  ${service.url}`,
    `  API      ${service.url}/docs`,
    `  sandbox  ${name}${missing.length === 0 ? ', with all guarantees' : `, WITHOUT these guarantees: ${missing.join(', ')}`}`,
    ...notes.map((note) => `           ${note}`),
    `  runtimes ${service.runtimes
      .list()
      .map((runtime) => `${runtime.name}${runtime.state === 'ready' ? '' : ` (${runtime.state})`}`)
      .join(', ')}`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

async function main(): Promise<void> {
  const config = readConfig();
  const logger = createLogger(config.LOG_LEVEL);
  // An error that nobody caught leaves the process in a state that nobody knows; what was running is rescued at the next start.
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error) => {
      logger.fatal({ err: error }, event);
      process.exit(70);
    });
  }
  const service = await startService(config, logger, process.env, (line) => process.stdout.write(`  … ${line}\n`));
  announce(service);

  let stoppingSince: number | undefined;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      // A terminal or a service manager may signal us and our parent at once, and our parent passes it on.
      if (stoppingSince !== undefined && performance.now() - stoppingSince < SAME_SIGNAL_MS) return;
      if (stoppingSince !== undefined) {
        logger.warn('stopped at once, as asked twice; running jobs are rescued at the next start');
        process.exit(1);
      }
      stoppingSince = performance.now();
      logger.info(`${signal}: stopping; running jobs may go on for ${config.DRAIN_GRACE_MS / 1000} s (once more stops at once)`);
      void service.stop().then(() => process.exit(0));
    });
  }
}

main().catch((error: unknown) => {
  if (error instanceof StartError) process.stderr.write(`\n${error.message}\n  → ${error.remedy}\n\n`);
  else process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(1);
});
