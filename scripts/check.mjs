// `npm run check`: everything that is wrong with the code without running it. All checks run, whatever the others say.
import { spawnSync } from 'node:child_process';

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
const failed = Object.entries(CHECKS).flatMap(([name, [program, ...args]]) => {
  process.stdout.write(`\n${name}: ${program} ${args.join(' ')}\n`);
  return spawnSync(program, args, { stdio: 'inherit', env }).status === 0 ? [] : [name];
});
process.stdout.write(failed.length === 0 ? '\nAll checks passed.\n' : `\nFailed: ${failed.join(', ')}\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
