// `npm run check`: everything that is wrong with the code without running it. All checks run, side by side, whatever the others say.
import { spawn } from 'node:child_process';

const CHECKS = {
  types: ['tsc', '-p', 'tsconfig.json'],
  'types of the console': ['tsc', '-p', 'console/tsconfig.json'],
  lint: ['oxlint', '--type-aware', '--deny-warnings'],
  format: ['oxfmt', '--check'],
  'unused code': ['knip', '--no-progress'],
  'API description': ['node', '--disable-warning=ExperimentalWarning', 'scripts/lint-openapi.ts'],
  'generated pages': ['node', 'scripts/configuration-docs.ts', '--check'],
};

// Also where npm has not put the packages' programs, and their Node, first.
const env = { ...process.env, PATH: `${process.cwd()}/node_modules/.bin:${process.env.PATH}` };

/** Says what the check has said when it is over; resolves with whether it found nothing. */
const passes = ([name, [program, ...args]]) =>
  new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text));
    child.once('error', (error) => (said += `${error.message}\n`));
    child.once('close', (code) => {
      process.stdout.write(`\n${name}: ${program} ${args.join(' ')}\n${said}`);
      resolve(code === 0);
    });
  });

const checks = Object.entries(CHECKS);
const fine = await Promise.all(checks.map(passes));
const failed = checks.filter((_, index) => !fine[index]).map(([name]) => name);
process.stdout.write(failed.length === 0 ? '\nAll checks passed.\n' : `\nFailed: ${failed.join(', ')}\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
