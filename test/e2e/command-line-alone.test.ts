import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commandLine, JOB_RUNNER, type CommandLine } from '../support/command-line.ts';

const execute = promisify(execFile);

let folder: string;
let cli: CommandLine;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'job-runner-cli-'));
  cli = commandLine(folder, { JOB_RUNNER_URL: 'local' });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** For programs that start and end. */

describe('without a service', () => {
  it('commands run one of their own, which keeps its jobs for the next', async () => {
    const run = await cli.run(['run', '-c', 'print("alone")']);
    expect(run).toMatchObject({ code: 0, stdout: 'alone\n' });
    expect(run.stderr).toContain(`a service of its own, with its jobs in ${join(folder, 'data/job-runner')}`);
    const id = (await cli.run(['ps', '-q'])).stdout.trim();
    expect((await cli.run(['logs', id])).stdout).toContain('alone\n');
  });

  it('several run at once', async () => {
    const runs = await Promise.all(['a', 'b', 'c'].map((name) => cli.run(['run', '-c', `import time; time.sleep(1); print("${name}")`])));
    expect(runs.map(({ code, stdout }) => `${code} ${stdout}`)).toEqual(['0 a\n', '0 b\n', '0 c\n']);
    expect((await readdir(join(folder, 'data/job-runner'))).filter((name) => name !== 'runtimes')).toEqual(['jobs']);
  });

  it('a command that is killed leaves no service and no running job', async () => {
    const running = cli.start(['run', '--no-stdin', '-c', 'import time; print("up", flush=True); time.sleep(60)']);
    await expect.poll(running.stdout).toBe('up\n');
    running.signal('SIGKILL');
    await running.ended;
    const list = async (): Promise<string> => {
      const { stdout } = await cli.run(['ps']);
      return stdout;
    };
    await expect.poll(list).toContain('canceled');
  });

  it('nothing can be left to run', async () => {
    const { code, stderr } = await cli.run(['run', '-d', '-c', 'pass']);
    expect(code).toBe(125);
    expect(stderr).toContain('→ start one with `job-runner serve`');
  });

  it('a machine that can’t run jobs is told with the line that mends it', async () => {
    const { code, stderr } = await cli.run(['run', '-c', 'pass'], { env: { PYTHON_SEARCH_PATH: '/nowhere' } });
    expect(code).toBe(125);
    expect(stderr).toMatch(/There is no Python[^]*→ .*apt-get install/);
  });
});

describe('job-runner serve', () => {
  it('is the service: it takes the process’s place and stops at its signal', async () => {
    const serving = cli.start(['serve', '--port', '0', '--data', join(folder, 'jobs')]);
    await expect.poll(serving.stdout).toMatch(/listens on http/);
    const url = /listens on (\S+)/.exec(serving.stdout())?.[1] ?? '';
    expect((await cli.run(['run', '-c', 'print(1)', '--url', url])).stdout).toBe('1\n');
    serving.signal('SIGTERM');
    expect((await serving.ended).code).toBe(0);
  });
});

describe('job-runner completion', () => {
  it('makes bash complete commands and options', async () => {
    const complete = async (...words: string[]): Promise<string[]> => {
      const script = `eval "$("$NODE" "$BIN" completion bash)"; COMP_WORDS=(${words.map((word) => `"${word}"`).join(' ')}); COMP_CWORD=${words.length - 1}; _job_runner; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const { stdout } = await execute('bash', ['-c', script], { env: { ...process.env, NODE: process.execPath, BIN: JOB_RUNNER } });
      return stdout.trim().split('\n');
    };
    expect(await complete('job-runner', 'ru')).toEqual(['run', 'runtimes']);
    expect(await complete('job-runner', '--json', 'run', '--me')).toEqual(['--memory']);
    expect(await complete('job-runner', 'run', 'main')).toEqual(['']);
  });

  it.each(['zsh', 'fish'])('has a script for %s', async (shell) => {
    const { code, stdout } = await cli.run(['completion', shell]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/artifacts/);
  });
});

it('says in one sentence which Node it needs, on one that is too old', async () => {
  const old = join(folder, 'old.cjs');
  await writeFile(old, "Object.defineProperty(process.versions, 'node', { value: '20.11.1' })");
  const ended = await execute(process.execPath, ['-r', old, JOB_RUNNER, 'run']).catch((error: unknown) => error);
  expect(ended).toMatchObject({ code: 1, stderr: 'job-runner needs Node 22.18 or newer, and this is Node 20.11.1.\n' });
});
