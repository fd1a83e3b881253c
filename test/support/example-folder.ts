import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { JOB_RUNNER } from './command-line.ts';

const ROOT = join(import.meta.dirname, '../..');
const execute = promisify(execFile);

const PROGRAMS: Record<string, { file: string; command: string[] }> = {
  bash: { file: 'example.sh', command: ['bash', '-euo', 'pipefail'] },
  ts: { file: 'example.ts', command: ['node'] },
  python: { file: 'example.py', command: ['python3'] },
};

/** A folder in which examples run as somebody would have copied them: with the package, the command line and the Python client at hand. */
export interface ExampleFolder {
  path: string;
  /** Runs one to its end and resolves with what it printed; rejects when it fails. */
  run(language: string, code: string, environment?: Record<string, string>): Promise<string>;
  close(): Promise<void>;
}

export async function exampleFolder(): Promise<ExampleFolder> {
  const path = await mkdtemp(join(tmpdir(), 'job-runner-examples-'));
  await mkdir(join(path, 'bin'));
  await mkdir(join(path, 'node_modules'));
  await symlink(JOB_RUNNER, join(path, 'bin/job-runner'));
  await symlink(ROOT, join(path, 'node_modules/job-runner'));
  await writeFile(join(path, 'package.json'), '{"type": "module"}');
  return {
    path,
    async run(language, code, environment = {}) {
      const { file, command } = PROGRAMS[language] ?? { file: '', command: [] };
      const [program = '', ...args] = command;
      await writeFile(join(path, file), code);
      const running = execute(program, [...args, file], {
        cwd: path,
        env: {
          // This Node before whichever the machine has.
          PATH: [join(path, 'bin'), join(process.execPath, '..'), process.env['PATH']].join(delimiter),
          HOME: path,
          PYTHONPATH: join(ROOT, 'clients/python/src'),
          PYTHONDONTWRITEBYTECODE: '1',
          ...environment,
        },
      });
      // Standard input is a pipe that a command might wait for, as a person's terminal is not.
      running.child.stdin?.end();
      return (await running).stdout;
    },
    close: () => rm(path, { recursive: true, force: true }),
  };
}
