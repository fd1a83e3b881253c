import type { Command } from 'commander';
import type { GlobalOptions } from './connect.ts';
import { examine } from './examine.ts';
import type { Finding } from './finding.ts';
import { print, printJson, styled } from './terminal.ts';

const MARKS = { ok: ['green', '✓'], weak: ['yellow', '!'], failed: ['red', '✗'] } as const;

function shown({ name, state, detail, remedies }: Finding, width: number): string {
  const [color, mark] = MARKS[state];
  const indent = ' '.repeat(width + 4);
  return [
    `${styled(color, mark)} ${name.padEnd(width)}  ${detail}`,
    ...remedies.map((remedy) => `${indent}${styled('dim', '→')} ${remedy}`),
  ].join('\n');
}

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .summary('see what this machine can do')
    .description(
      'Looks at this machine: whether jobs can run here, how well they are isolated, whether Docker, Redis and S3 do what the service’s variables ask of them, and what mends what is missing.',
    )
    .addHelpText(
      'after',
      '\nThe exit code is 0 when jobs can run here, else 1.\n\nExample:\n  USE_DOCKER=1 REDIS_URL=redis://localhost job-runner doctor',
    )
    .action(async (_options: object, command: Command) => {
      const findings = await examine();
      const works = findings.every(({ state }) => state !== 'failed');
      if (command.optsWithGlobals<GlobalOptions>().json === true) await printJson({ works, findings });
      else {
        const width = Math.max(...findings.map(({ name }) => name.length));
        const last = works ? 'Jobs can run here.' : 'Jobs can’t run here yet.';
        await print([...findings.map((finding) => shown(finding, width)), '', styled('bold', last)].join('\n'));
      }
      process.exitCode = works ? 0 : 1;
    });
}
