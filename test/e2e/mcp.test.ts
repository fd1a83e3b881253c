import { Client, StreamableHTTPClientTransport, type Transport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { JOB_RUNNER } from '../support/command-line.ts';
import { serviceHome, type RunningService, type ServiceHome } from '../support/service.ts';

let home: ServiceHome;
let service: RunningService;
beforeAll(async () => {
  home = await serviceHome();
  service = await home.start();
});
afterAll(() => home.close());

const http = (): Transport => new StreamableHTTPClientTransport(new URL('/mcp', service.url));
const stdio = (): Transport => new StdioClientTransport({ command: process.execPath, args: [JOB_RUNNER, 'mcp', '--url', service.url] });

interface Ran {
  job_id: string;
  status: string;
  exit_code: number | null;
  cause: string | null;
  artifacts: { name: string; size: number; content_type: string; uri: string }[];
}

const connected = async (transport: Transport, mode: 'legacy' | 'auto'): Promise<Client> => {
  const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode } });
  await client.connect(transport);
  return client;
};

describe.each([
  ['streamable HTTP', http, 'legacy'],
  ['streamable HTTP', http, 'auto'],
  ['stdio', stdio, 'legacy'],
  ['stdio', stdio, 'auto'],
] as const)('the official client on %s', (_name, transport, mode) => {
  describe(`in the era “${mode}”`, () => {
    let client: Client;
    beforeEach(async () => {
      client = await connected(transport(), mode);
    });
    afterEach(() => client.close());

    const run = async (
      args: Record<string, unknown>,
    ): Promise<{ text: string; isError: boolean; ran: Ran; content: { type: string }[] }> => {
      const result = await client.callTool({ name: 'run_python', arguments: args });
      const [first] = result.content;
      return {
        text: first?.type === 'text' ? first.text : '',
        isError: result.isError === true,
        ran: result.structuredContent as Ran,
        content: result.content,
      };
    };

    it('finds the tools', async () => {
      const { tools } = await client.listTools();
      expect(tools.map(({ name }) => name).toSorted()).toEqual(['cancel_job', 'get_job', 'list_artifacts', 'read_artifact', 'run_python']);
      expect(tools.find(({ name }) => name === 'run_python')?.description).toMatch(/Python 3\.\d+/);
    });

    it('runs a program with files and arguments, and reads what it left', async () => {
      const { text, ran, content, isError } = await run({
        code: 'import sys, mod\nprint(mod.X, sys.argv[1:], open("in/a.bin", "rb").read(), input())\nopen("out.csv", "w").write("a,b\\n1,é\\n")\nopen("x.bin", "wb").write(b"\\0")',
        files: [
          { path: 'mod.py', content: 'X = 7' },
          { path: 'in/a.bin', content: 'AP8=', encoding: 'base64' },
        ],
        args: ['--n'],
        stdin: 'typed',
      });
      expect(text).toBe("7 ['--n'] b'\\x00\\xff' typed\n");
      expect(isError).toBe(false);
      expect(ran).toMatchObject({ status: 'succeeded', exit_code: 0, cause: null });
      expect(ran.artifacts.map(({ name, content_type }) => [name, content_type])).toEqual([
        ['out.csv', 'text/csv'],
        ['x.bin', 'application/octet-stream'],
      ]);
      expect(content.slice(1)).toEqual([
        expect.objectContaining({ type: 'resource_link', name: 'out.csv', size: 9 }),
        expect.objectContaining({ type: 'resource_link', name: 'x.bin' }),
      ]);

      const read = await client.callTool({ name: 'read_artifact', arguments: { job_id: ran.job_id, name: 'out.csv' } });
      expect(read.content).toEqual([
        { type: 'resource', resource: { uri: ran.artifacts[0]?.uri, mimeType: 'text/csv', text: 'a,b\n1,é\n' } },
      ]);
      const resource = await client.readResource({ uri: ran.artifacts[1]?.uri ?? '' });
      expect(resource.contents).toEqual([{ uri: ran.artifacts[1]?.uri, mimeType: 'application/octet-stream', blob: 'AA==' }]);
      const list = await client.callTool({ name: 'list_artifacts', arguments: { job_id: ran.job_id } });
      expect(list.content[0]).toEqual({ type: 'text', text: 'out.csv (text/csv, 9 bytes)\nx.bin (application/octet-stream, 1 bytes)' });
    });

    it('shows images as such', async () => {
      const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
      const { content } = await run({ code: `import base64\nopen("é/p.png".replace("é/", "é "), "wb").write(base64.b64decode("${png}"))` });
      expect(content[1]).toEqual({ type: 'image', data: png, mimeType: 'image/png' });
    });

    it('tells a program’s failure as one, with its traceback', async () => {
      const { text, ran, isError } = await run({ code: '1/0' });
      expect(isError).toBe(true);
      expect(text).toMatch(/ZeroDivisionError[^]*\[the program ended with exit code 1\]/);
      expect(ran).toMatchObject({ status: 'failed', exit_code: 1, cause: 'exit_nonzero' });
    });

    it('says what to do when time is over', async () => {
      const { text, ran } = await run({ code: 'print("first", flush=True)\nwhile True: pass', timeout_sec: 1 });
      expect(text).toBe('first\n[stopped after 1 s; give it a longer timeout_sec, or less to do]');
      expect(ran.cause).toBe('timeout');
    });

    it('tells how far it has come while it runs', async () => {
      const seen: (string | undefined)[] = [];
      await client.callTool(
        { name: 'run_python', arguments: { code: 'import time\nfor i in range(4): print("step", i); time.sleep(0.3)' } },
        { onprogress: ({ message }) => seen.push(message) },
      );
      expect(seen.length).toBeGreaterThan(1);
      expect(seen.join(' ')).toContain('step');
    });

    it('answers while a program runs on; it is looked at and canceled', async () => {
      const { text, ran } = await run({ code: 'print("begun")\nimport time; time.sleep(60)', wait_sec: 0.5 });
      expect(ran.status).toMatch(/running|queued/);
      expect(text).toContain(`job ${ran.job_id}`);
      const look = async (): Promise<string> => {
        const { content } = await client.callTool({ name: 'get_job', arguments: { job_id: ran.job_id } });
        return content[0]?.type === 'text' ? content[0].text : '';
      };
      await expect.poll(look).toMatch(/running[^]*begun/);
      await client.callTool({ name: 'cancel_job', arguments: { job_id: ran.job_id } });
      await expect.poll(look).toMatch(/^canceled/);
    });

    it('says in words what is not there or not accepted', async () => {
      const unknown = await client.callTool({ name: 'get_job', arguments: { job_id: '0'.repeat(32) } });
      expect(unknown).toMatchObject({ isError: true, content: [{ type: 'text', text: `there is no job ${'0'.repeat(32)}` }] });
      const refused = await client.callTool({ name: 'run_python', arguments: { code: '', timeout_sec: 100_000 } });
      expect(refused).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('timeout_sec') as string }] });
      await expect(client.readResource({ uri: `job-runner://jobs/${'0'.repeat(32)}/artifacts/x` })).rejects.toThrow(/no artifact/);
    });
  });
});

// Over HTTP the 2025 revision tells it in a request of its own, which names a session; there are none here.
it.each([
  ['streamable HTTP, 2026', http, 'auto'],
  ['stdio, 2025', stdio, 'legacy'],
  ['stdio, 2026', stdio, 'auto'],
] as const)('cancels the program of a call that the client gives up (%s)', async (_name, transport, mode) => {
  const client = await connected(transport(), mode);
  const giveUp = new AbortController();
  const marker = `${Math.random()}`;
  const call = client.callTool(
    { name: 'run_python', arguments: { code: `print("${marker}", flush=True)\nimport time; time.sleep(60)` } },
    { signal: giveUp.signal, onprogress: ({ message }) => message === marker && giveUp.abort() },
  );
  await expect(call).rejects.toThrow(/abort/i);
  const newest = async (): Promise<unknown> => {
    const { jobs } = (await (await fetch(`${service.url}/jobs?limit=1`)).json()) as { jobs: { status: string }[] };
    return jobs[0]?.status;
  };
  await expect.poll(newest).toBe('canceled');
  await client.close();
});
