import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { serviceHome, type RunningService, type ServiceHome } from '../support/service.ts';

let home: ServiceHome;
let service: RunningService;
beforeAll(async () => {
  home = await serviceHome();
  service = await home.start();
});
afterAll(() => home.close());

async function post<Answer>(path: string, body: unknown): Promise<Answer> {
  const response = await fetch(`${service.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': 'of another service' },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(200);
  return (await response.json()) as Answer;
}

describe('a Piston client', () => {
  interface Executed {
    language: string;
    version: string;
    run: Record<string, unknown>;
  }
  const execute = async (content: string, more: object = {}): Promise<Executed> => {
    const [{ version }] = (await (await fetch(`${service.url}/api/v2/runtimes`)).json()) as [{ version: string }];
    return post('/api/v2/execute', { language: 'python', version, files: [{ name: 'main.py', content }], ...more });
  };

  it('asks what there is, runs it, and gets outputs and measures back', async () => {
    const { language, version, run } = await execute('import sys\nprint(sys.argv[1:], input())\nprint("oops", file=sys.stderr)', {
      args: ['a b', '--c'],
      stdin: 'typed',
    });
    expect([language, version]).toEqual(['python', expect.stringMatching(/^3\.\d+\.\d+$/)]);
    expect(run).toEqual({
      stdout: "['a b', '--c'] typed\n",
      stderr: 'oops\n',
      output: expect.stringMatching(/typed\n[^]*oops\n|oops\n[^]*typed\n/) as string,
      code: 0,
      signal: null,
      message: null,
      status: null,
      cpu_time: expect.any(Number) as number,
      wall_time: expect.any(Number) as number,
      memory: expect.any(Number) as number,
    });
  });

  it.each<[string, string, object, object]>([
    ['an error', 'raise SystemExit(3)', {}, { code: 3, signal: null, status: 'RE' }],
    ['a signal', 'import os; os.abort()', {}, { code: null, signal: 'SIGABRT', status: 'SG' }],
    ['an endless loop', 'while True: pass', { run_timeout: 1000 }, { code: null, signal: 'SIGKILL', status: 'TO' }],
    [
      'a hunger for memory',
      'x = bytearray(500_000_000)',
      { run_memory_limit: 100_000_000 },
      { code: null, signal: 'SIGKILL', status: 'SG' },
    ],
    ['a flood', 'while True: print("x" * 10_000)', {}, { code: null, signal: 'SIGKILL', status: 'OL', message: 'stdout length exceeded' }],
  ])('sees how %s ended', async (_what, content, more, told) => {
    expect((await execute(content, more)).run).toMatchObject(told);
  });

  it('may write beside its files, and reads those that are no text', async () => {
    const { run } = await execute('open("x", "w").write("1"); print(open("d/b.bin", "rb").read(), open("x").read())', {
      files: [
        { name: 'd/b.bin', content: 'AP8=', encoding: 'base64' },
        { name: 'main.py', content: 'open("x", "w").write("1"); print(open("d/b.bin", "rb").read(), open("x").read())' },
      ],
    });
    expect(run['stdout']).toBe("b'\\x00\\xff' 1\n");
  });
});

describe('LibreChat', () => {
  interface Executed {
    session_id: string;
    stdout: string;
    stderr: string;
    files: { id: string; name: string; storage_session_id: string; inherited?: true }[];
  }
  const exec = (lang: string, code: string, files: object[] = []): Promise<Executed> => post('/v1/exec', { lang, code, files });

  it('uploads a file, works on it in /mnt/data over several calls, and downloads the result', async () => {
    const form = new FormData();
    form.append('kind', 'user');
    form.append('file', new File(['a,b\n1,2\n3,4\n'], 'data/in.csv'));
    const uploaded = (await (await fetch(`${service.url}/v1/upload`, { method: 'POST', body: form })).json()) as {
      storage_session_id: string;
      files: [{ fileId: string; filename: string }];
    };
    const [{ fileId, filename }] = uploaded.files;
    const input = { id: fileId, name: filename, storage_session_id: uploaded.storage_session_id, kind: 'user', resource_id: 'u' };

    const first = await exec(
      'py',
      'import csv\nrows = list(csv.DictReader(open("/mnt/data/data/in.csv")))\ntotal = sum(int(r["b"]) for r in rows)\nprint(total)\nopen("/mnt/data/total.txt", "w").write(f"{total}\\n")',
      [input],
    );
    expect(first).toMatchObject({ stdout: '6\n', stderr: '' });
    expect(first.files.map(({ name, inherited }) => [name, inherited ?? false])).toEqual([
      ['total.txt', false],
      ['data/in.csv', true],
    ]);

    const second = await exec('bash', "cat '/mnt/data/total.txt' /mnt/data/data/in.csv; echo more >> /mnt/data/total.txt", first.files);
    expect(second.stdout).toBe('6\na,b\n1,2\n3,4\n');
    const [changed] = second.files;
    const download = await fetch(`${service.url}/v1/download/${changed?.storage_session_id}/${changed?.id}`);
    expect(await download.text()).toBe('6\nmore\n');
    // What an earlier call left is as it was.
    const [before] = first.files;
    expect(await (await fetch(`${service.url}/v1/download/${before?.storage_session_id}/${before?.id}`)).text()).toBe('6\n');
  });

  it('gets a traceback where a program fails, and its files all the same', async () => {
    const answer = await exec('py', 'open("/mnt/data/half.txt", "w").write("1")\n1/0');
    expect(answer.stderr).toContain('ZeroDivisionError');
    expect(answer.files.map(({ name }) => name)).toEqual(['half.txt']);
  });

  it('passes arguments and exit codes through bash', async () => {
    expect(await post('/v1/exec', { lang: 'bash', code: 'echo "$# $1"; exit 4', args: ['a b'] })).toMatchObject({
      stdout: '1 a b\n',
      code: 4,
      status: 'RE',
    });
  });
});
