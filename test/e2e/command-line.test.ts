import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandLine, type CommandLine } from '../support/command-line.ts';
import { serviceHome, type RunningService, type ServiceHome } from '../support/service.ts';

let home: ServiceHome;
let service: RunningService;
let folder: string;
let cli: CommandLine;
beforeAll(async () => {
  home = await serviceHome();
  service = await home.start();
  folder = await mkdtemp(join(tmpdir(), 'job-runner-cli-'));
  cli = commandLine(folder, { JOB_RUNNER_URL: service.url });
});
afterAll(async () => {
  await home?.close();
  await rm(folder, { recursive: true, force: true });
});

const file = async (name: string, content: string): Promise<void> => {
  await mkdir(join(folder, name, '..'), { recursive: true });
  await writeFile(join(folder, name), content);
};

const newestId = async (): Promise<string> => (await cli.run(['ps', '-q', '-n', '1'])).stdout.trim();

/** For programs that start and end. */

describe('job-runner run', () => {
  it('shows a program’s streams apart, gives it arguments, input and files, fetches what it made, and ends as it ended', async () => {
    await file(
      'report.py',
      'import os, sys\nprint(sys.argv[1:], sys.stdin.read(), os.environ["A"])\nprint("beware", file=sys.stderr)\n' +
        'text = open(os.environ["JOB_INPUT_DIR"] + "/data.csv").read()\nos.mkdir(os.environ["JOB_OUTPUT_DIR"] + "/deep")\n' +
        'open(os.environ["JOB_OUTPUT_DIR"] + "/deep/é.txt", "w").write(text.upper())\nsys.exit(3)\n',
    );
    await file('data.csv', 'a,b\n');
    const args = ['run', 'report.py', 'x', '--input', 'data.csv', '--out', 'results', '-e', 'A=1', '-l', 'kind=report', '--', '--flag'];
    const { code, stdout, stderr } = await cli.run(args, { stdin: 'piped' });
    expect(stdout).toBe("['x', '--flag'] piped 1\n");
    expect(stderr).toBe(`beware\nSaved ${join(folder, 'results/deep/é.txt')} (4 B)\n`);
    expect(code).toBe(3);
    expect(await readFile(join(folder, 'results/deep/é.txt'), 'utf8')).toBe('A,B\n');
    expect((await cli.run(['ps', '--label', 'kind=report'])).stdout).toMatch(/failed +3 .*report\.py x --flag +kind=report/);
  });

  it('sends whole folders, code of the command line, and code of standard input', async () => {
    await file('app/main.py', 'from pkg.answer import answer\nimport extra, lib.more\nprint(answer, extra.x, lib.more.y)');
    await file('app/pkg/answer.py', 'answer = 42');
    await file('extra.py', 'x = 1');
    await file('lib/more.py', 'y = 2');
    expect((await cli.run(['run', 'app', '--code', 'extra.py', '--code', 'lib'])).stdout).toBe('42 1 2\n');
    expect((await cli.run(['run', '-c', 'import sys; print(sys.argv[1:])', 'a'])).stdout).toBe("['a']\n");
    expect((await cli.run(['run', '-'], { stdin: 'print("from stdin")' })).stdout).toBe('from stdin\n');
    expect((await cli.run(['run', 'app', '--entry', 'pkg/answer.py'])).code).toBe(0);
  });

  it('says what it waits for when its standard input stays open', async () => {
    const running = cli.start(['run', '-c', 'import sys; print(sys.stdin.read())']);
    await expect.poll(running.stderr).toContain('--no-stdin');
    running.stdin.end('late');
    expect((await running.ended).stdout).toBe('late\n');
  });

  it('lets a plain script write beside its code where that is asked for', async () => {
    const made = await cli.run(['run', '-c', 'open("plot.txt", "w").write("x")', '--workspace', 'writable', '-o', 'plots']);
    expect(made.code).toBe(0);
    expect(await readFile(join(folder, 'plots/plot.txt'), 'utf8')).toBe('x');
  });

  it.each([
    ['os.abort()', [], 134, 'the program was ended by SIGABRT'],
    ['time.sleep(60)', ['-t', '1'], 137, 'ended after 1 s\n  → --timeout'],
    ['bytearray(10**9)', ['-m', '100'], 137, '100 MiB of memory\n  → --memory'],
  ])('says why %s was ended', async (code, options, exit, words) => {
    const ended = await cli.run(['run', '-c', `import os, time; ${code}`, ...options]);
    expect(ended.code).toBe(exit);
    expect(ended.stderr).toContain(words);
  });

  it.each([
    [['run', 'nowhere.py'], 125, 'There is no file or folder nowhere.py.'],
    [['run', '-c', 'pass', '-m', '3'], 125, '--memory: Too small'],
    [['run', '-c', 'pass', '-r', 'python2.7'], 125, '→ `job-runner runtimes`'],
    [['run', '-c', 'pass', '-e', 'NOT_SET_ANYWHERE'], 125, '→ give its value'],
    [['run', '-c', 'pass', '--url', 'http://127.0.0.1:9'], 125, "can't be reached"],
    [['run', '-c', 'pass', '--fooo'], 2, '→ options of the program itself come after --'],
    [['logs', 'ffff'], 1, '→ `job-runner ps` lists the jobs'],
    [['artifacts', 'get', '0'.repeat(32)], 1, 'job not found'],
    [['nonsense'], 2, 'unknown command'],
  ])('%j fails in words', async (args, exit, words) => {
    const { code, stderr } = await cli.run(args);
    expect(stderr).toContain(words);
    expect(stderr).toMatch(/^job-runner: /);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(code).toBe(exit);
  });

  it('cancels the job on Ctrl-C, shows its end, and ends with 130', async () => {
    const running = cli.start(['run', '--no-stdin', '-c', 'import time; print("up", flush=True); time.sleep(60)']);
    await expect.poll(running.stdout).toBe('up\n');
    running.signal('SIGINT');
    expect(await running.ended).toMatchObject({ code: 130 });
    expect((await cli.run(['ps', '-n', '1'])).stdout).toContain('canceled');
  });

  it('cancels the job when nobody reads its output any more', async () => {
    const endless = 'i = 0\nwhile True:\n  print(i, flush=True); i += 1';
    const running = cli.start(['run', '--no-stdin', '-c', endless]);
    await expect.poll(running.stdout).toContain('1\n');
    running.closeStdout();
    expect(await running.ended).toMatchObject({ code: 141 });
    await expect.poll(async () => (await cli.run(['ps', '-n', '1'])).stdout).toContain('canceled');
  });

  it('prints everything as lines of JSON', async () => {
    const { stdout } = await cli.run([
      'run',
      '--json',
      '-c',
      'open("a", "w").write("x"); print(1)',
      '--workspace',
      'writable',
      '-o',
      'json',
    ]);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string });
    expect(lines.map(({ type }) => type)).toEqual(expect.arrayContaining(['submitted', 'stdout', 'artifact', 'end', 'saved']));
    expect(lines.find(({ type }) => type === 'stdout')).toMatchObject({ text: '1\n' });
  });
});

describe('jobs that were left to run', () => {
  it('can be listed, followed, canceled and removed by the beginning of their ids', async () => {
    await file('wait.py', 'import time\nfor i in range(3): print(i, flush=True); time.sleep(0.1)');
    const { stdout } = await cli.run(['run', 'wait.py', '--detach']);
    const id = stdout.trim();
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    const short = id.slice(0, 20);
    expect((await cli.run(['logs', '-f', short])).stdout).toBe('0\n1\n2\n');
    expect((await cli.run(['logs', short])).stdout).toContain('0\n1\n2\n[runner] finished with code 0\n');
    expect((await cli.run(['logs', '--json', short])).stdout.trim().split('\n').length).toBeGreaterThanOrEqual(5);
    expect((await cli.run(['cancel', short])).stdout).toBe(`${id} succeeded\n`);
    expect((await cli.run(['rm', short])).stdout).toBe(`${id} removed\n`);
    expect((await cli.run(['logs', id])).stderr).toContain('job not found');

    const sleeping = (await cli.run(['run', '-d', '-c', 'import time; time.sleep(60)'])).stdout.trim();
    expect((await cli.run(['rm', sleeping])).stderr).toContain('→ cancel it first');
    await cli.run(['cancel', sleeping]);
    await expect.poll(async () => (await cli.run(['ps', '-s', 'canceled', '-q'])).stdout).toContain(sleeping);
  });

  it('are not guessed when an id could be of several', async () => {
    for (let i = 0; i < 2; i++) await cli.run(['run', '-d', '-c', 'pass']);
    expect((await cli.run(['logs', '0'])).stderr).toContain("More than one job's id begins with");
  });

  it('give their files: listed, all, one, to standard output, as a zip', async () => {
    const program = 'import os\nfor n in "ab": open(os.environ["JOB_OUTPUT_DIR"] + f"/{n}.txt", "w").write(n)';
    const run = await cli.run(['run', '-c', program]);
    const id = await newestId();
    expect(run.stderr).toContain(`Made: a.txt (1 B), b.txt (1 B)\n  → job-runner artifacts get ${id}\n`);
    expect((await cli.run(['artifacts', 'ls', id])).stdout).toMatch(/1 B +text\/plain +a\.txt\n1 B +text\/plain +b\.txt\n/);
    expect((await cli.run(['artifacts', 'get', id, '-o', 'all'])).stdout).toBe(
      `${join(folder, 'all/a.txt')}\n${join(folder, 'all/b.txt')}\n`,
    );
    expect((await cli.run(['artifacts', 'get', id, 'b.txt', '-o', '-'])).stdout).toBe('b');
    expect((await cli.run(['artifacts', 'get', id, 'c.txt'])).stderr).toContain('The job made no file c.txt.');
    await cli.run(['artifacts', 'get', id, '--zip', 'all.zip']);
    expect((await readFile(join(folder, 'all.zip'))).subarray(0, 2).toString()).toBe('PK');
  });
});

it('goes on after a kill -9 of the service, with nothing lost and nothing twice', async () => {
  const other = await serviceHome();
  try {
    const first = await other.start();
    const counting = 'import time\nfor i in range(40): print(i, flush=True); time.sleep(0.05)';
    const running = cli.start(['run', '--no-stdin', '-c', counting, '--url', first.url]);
    await expect.poll(running.stdout).toContain('8\n');
    await first.kill('SIGKILL');
    await other.start({ PORT: new URL(first.url).port });
    const { code, stdout, stderr } = await running.ended;
    const all = Array.from({ length: 40 }, (_, i) => `${i}\n`).join('');
    // The first attempt's output up to where it was killed, then the second's: as the log has it.
    expect(stdout.endsWith(all)).toBe(true);
    expect(all.startsWith(stdout.slice(0, -all.length))).toBe(true);
    expect(stderr).toContain('the worker was lost in attempt 1 of 2');
    expect(code).toBe(0);
  } finally {
    await other.close();
  }
});

it('lists runtimes', async () => {
  expect((await cli.run(['runtimes'])).stdout).toMatch(/RUNTIME +VERSION +STATE[^]*python3\.\d+ +3\.\d+\.\d+ +ready/);
  expect(JSON.parse((await cli.run(['runtimes', '--json'])).stdout)).toEqual(
    expect.arrayContaining([expect.objectContaining({ default: true })]),
  );
});
