import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formOf, jobOf, submit, type Form } from '../support/app.ts';
import { readStream, serviceHome, type RunningService, type ServiceHome } from '../support/service.ts';

let home: ServiceHome;
let service: RunningService;
beforeAll(async () => {
  home = await serviceHome();
  service = await home.start();
});
afterAll(() => home.close());

interface Result {
  job: Record<string, unknown>;
  logs: string;
  artifacts: { name: string }[];
}

async function run(program: string, form: Form = {}): Promise<Result> {
  const response = await fetch(`${service.url}/jobs?wait=60`, {
    method: 'POST',
    body: formOf({ ...form, code: { 'main.py': program, ...form.code } }),
  });
  expect(response.status).toBe(200);
  return (await response.json()) as Result;
}

const OUT = 'import os; out = os.environ["JOB_OUTPUT_DIR"]\n';

describe('a job, from the request to its files', () => {
  it('runs, streams, ends, and gives its files back', async () => {
    const id = await submit(service.url, {
      spec: { args: ['--foo', 'bar'], env: { EXAMPLE: '1' } },
      code: {
        'main.py': `import sys, os, lib.mod\nprint(sys.argv[1:], os.environ["EXAMPLE"], lib.mod.X)\n${OUT}open(out + "/r.csv", "w").write(open(os.environ["JOB_INPUT_DIR"] + "/in.csv").read())`,
        'lib/mod.py': 'X = 7',
      },
      input: { 'in.csv': 'a,b\n1,2\n' },
    });
    const events = await readStream(`${service.url}/jobs/${id}/logs/stream`);
    expect(events.map((event) => event.data)).toEqual([
      `[runner] starting job ${id}`,
      "['--foo', 'bar'] 1 7",
      '[runner] finished with code 0',
      'complete',
    ]);
    const { job, log_lines } = await jobOf(service.url, id);
    expect(job).toMatchObject({ status: 'succeeded', exit_code: 0, error: null, cause: null, artifacts: ['r.csv'], attempt: 1 });
    expect(log_lines).toBe(3);
    expect(await (await fetch(`${service.url}/jobs/${id}/artifacts/r.csv`)).text()).toBe('a,b\n1,2\n');
  });

  it.each([
    [
      'sys.exit(3)',
      { status: 'failed', exit_code: 3, error: 'non-zero exit', cause: 'exit_nonzero', signal: null },
      '[runner] finished with code 3',
    ],
    [
      'os.abort()',
      { status: 'failed', exit_code: 134, error: 'non-zero exit', cause: 'signal', signal: 'SIGABRT' },
      '[runner] finished with code 134',
    ],
    [
      'time.sleep(60)',
      { status: 'failed', exit_code: 137, error: 'timeout', cause: 'timeout' },
      '[runner] timeout exceeded, process terminated',
    ],
    [
      'x = bytearray(900_000_000)',
      { status: 'failed', exit_code: 137, error: 'out of memory', cause: 'oom' },
      '[runner] out of memory, process terminated',
    ],
    [
      'while True: print("x" * 10_000)',
      { status: 'failed', exit_code: 137, error: 'output limit exceeded', cause: 'output_limit', log_truncated: true },
      '[runner] output limit exceeded, process terminated',
    ],
    [
      'open("/tmp/x", "wb").write(b"x" * 20_000_000)',
      { status: 'failed', exit_code: 137, error: 'disk limit exceeded', cause: 'disk_limit' },
      '[runner] disk limit exceeded, process terminated',
    ],
  ])('%s ends as its cause says', async (program, expected, line) => {
    const { job, logs } = await run(`import sys, os, time\n${program}`, {
      spec: { timeout_sec: 2, mem_limit_mb: 128, disk_limit_mb: 8, output_limit_mb: 1 },
    });
    expect(job).toMatchObject(expected);
    expect(logs).toContain(`${line}\n`);
    expect(logs.trimEnd().split('\n').at(-1)).toBe(`[runner] finished with code ${String(job['exit_code'])}`);
  });

  it('is isolated in the one process as anywhere', async () => {
    const secret = join(home.dir, 'secret');
    await writeFile(secret, 'secret of the host', { mode: 0o666 });
    const { logs } = await run(
      `import os\nprint(os.path.exists(${JSON.stringify(secret)}), os.path.exists("/root"), os.getuid(), sorted(os.listdir("/workspace")))`,
    );
    expect(logs).toContain("False False 1000 ['code', 'input', 'output']\n");
  });

  it('says that the entry is missing, as its last word', async () => {
    const { job, logs } = await run('print(1)', { spec: { entry: 'other.py' } });
    expect(job).toMatchObject({ status: 'failed', exit_code: 127, error: 'missing entry file', cause: 'missing_entry' });
    expect(logs).toMatch(/\[runner\] entry file not found: other\.py\n$/);
  });

  it('streams a line of ten megabytes whole, and goes on', async () => {
    const { job, logs } = await run('print("x" * 10_000_000); print("after")');
    expect(job['status']).toBe('succeeded');
    expect(logs).toContain(`${'x'.repeat(10_000_000)}\nafter\n[runner] finished`);
  });

  it('keeps bytes that are no text readable', async () => {
    const { logs } = await run('import sys; sys.stdout.buffer.write(b"a\\xff\\x00b\\r\\n")');
    expect(logs).toContain('a\ufffd\u0000b\r\n');
  });

  it('follows no link out of the output folder, and says what it left out', async () => {
    const { job, logs, artifacts } = await run(
      `${OUT}os.symlink("/etc/passwd", out + "/passwd"); os.mkfifo(out + "/pipe"); open(os.fsencode(out) + b"/\\xff\\xfe", "w").write("x"); open(out + "/good", "w").write("x")`,
    );
    expect([job['status'], artifacts.map((each) => each.name)]).toEqual(['succeeded', ['good']]);
    expect(logs).toContain('[runner] left out of the artifacts: passwd: ');
    expect(logs).toContain('[runner] left out of the artifacts: pipe: ');
  });

  it('collects what a plain script writes beside itself in a writable workspace', async () => {
    const { artifacts } = await run('open("plot.png", "wb").write(b"png")', { spec: { workspace: 'writable' } });
    expect(artifacts.map((each) => each.name)).toEqual(['plot.png']);
    const both = await run(`${OUT}open(out + "/same", "w").write("1"); open("same", "w").write("22")`, { spec: { workspace: 'writable' } });
    expect(both.artifacts).toMatchObject([{ name: 'same', size: 2 }]);
  });

  it('tells stdout and stderr apart when asked to', async () => {
    const id = await submit(service.url, {
      spec: { split_output: true },
      code: { 'main.py': 'import sys; print("o"); print("e", file=sys.stderr)' },
    });
    const events = await readStream(`${service.url}/jobs/${id}/events`);
    const of = (name: string): unknown[] =>
      events.filter((event) => event.event === name).map((event) => (JSON.parse(event.data) as { text: string }).text);
    expect([of('stdout'), of('stderr')]).toEqual([['o\n'], ['e\n']]);
    expect(events.at(-1)?.event).toBe('end');
  });

  it('cancels a running job with all that it started', async () => {
    const id = await submit(service.url, {
      code: { 'main.py': 'import os, time\nif os.fork() > 0: print("up", flush=True)\ntime.sleep(60)' },
    });
    const streaming = readStream(`${service.url}/jobs/${id}/logs/stream`, (event) => {
      if (event.data === 'up') void fetch(`${service.url}/jobs/${id}/cancel`, { method: 'POST' });
    });
    const events = await streaming;
    expect(events.slice(-3).map((event) => event.data)).toEqual([
      '[runner] canceled, process terminated',
      '[runner] finished with code 137',
      'complete',
    ]);
    expect((await jobOf(service.url, id)).job).toMatchObject({ status: 'canceled', exit_code: 137, error: 'canceled', cause: 'canceled' });
  });

  it('never shows a final status before the last line', async () => {
    for (let i = 0; i < 10; i++) {
      const id = await submit(service.url, { code: { 'main.py': 'print("a"); print("b")' } });
      for (;;) {
        const { job, log_lines } = await jobOf(service.url, id);
        if (job['finished_at'] === null) continue;
        expect(log_lines).toBe(4);
        break;
      }
    }
  });

  it('leaves no process, mount, control group or descriptor behind', async () => {
    const traces = async (): Promise<number[]> => [
      (await readdir(`/proc/${service.pid}/fd`)).length,
      (await readdir(`/proc/${service.pid}/task/${service.pid}`)).length,
    ];
    await run('print(1)');
    const before = await traces();
    for (let i = 0; i < 10; i++) await run(`${OUT}open(out + "/f", "w").write("x"); print(1)`);
    // Launchers that are being made for the next jobs come and go by a few.
    await expect.poll(async () => Math.abs(((await traces())[0] ?? 0) - (before[0] ?? 0))).toBeLessThan(12);
  });
});
