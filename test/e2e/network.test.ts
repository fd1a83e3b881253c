import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jobOf, post } from '../support/app.ts';
import { commandLine, type CommandLine } from '../support/command-line.ts';
import { serviceHome, type RunningService, type ServiceHome } from '../support/service.ts';

/** The machine's real network is not tried: all that these jobs look for is closed to every job. That the rest works, test/attacks/network shows. */

let home: ServiceHome;
let service: RunningService;
let folder: string;
let cli: CommandLine;
let impossible: string | undefined;
beforeAll(async () => {
  home = await serviceHome();
  service = await home.start();
  folder = await mkdtemp(join(tmpdir(), 'job-runner-net-'));
  cli = commandLine(folder, { JOB_RUNNER_URL: service.url });
  impossible = /net_policy can only be none here.*/.exec(service.said())?.[0];
  if (impossible !== undefined && process.env['CI'] !== undefined) throw new Error(impossible);
});
afterAll(async () => {
  await home?.close();
  await rm(folder, { recursive: true, force: true });
});

const LOOK = `import socket
print([name for _, name in socket.if_nameindex()])
try: socket.create_connection(("203.0.113.9", 80), 5)
except OSError as error: print(error.strerror)
try: socket.getaddrinfo("unlisted.example", 80)
except OSError as error: print(error.strerror)
`;
const SEEN = "['lo', 'tap0']\nConnection refused\nName or service not known\n";

describe('a job’s network', () => {
  it('is what its policy says, which the job’s record repeats', async (context) => {
    if (impossible !== undefined) return context.skip(impossible);
    const response = await fetch(`${service.url}/jobs?wait=60`, {
      method: 'POST',
      body: (() => {
        const form = new FormData();
        form.append('spec', JSON.stringify({ net_policy: { allow: ['203.0.113.9', 'api.example.org:443'] } }));
        form.append('code_files', new File([LOOK], 'main.py'));
        return form;
      })(),
    });
    const { job_id: id, logs } = (await response.json()) as { job_id: string; logs: string };
    expect(logs).toContain(SEEN);
    const { job } = await jobOf(service.url, id);
    expect(job).toMatchObject({ status: 'succeeded', spec: { net_policy: { allow: ['203.0.113.9', 'api.example.org:443'] } } });
  });

  it('is asked for on the command line', async (context) => {
    if (impossible !== undefined) return context.skip(impossible);
    const allowed = await cli.run(['run', '-c', LOOK, '--allow-host', '203.0.113.9:80', '--allow-host', '*.example.org']);
    expect(allowed).toMatchObject({ code: 0, stdout: SEEN });
    const outbound = await cli.run(['run', '--net', '-c', LOOK.split('try: socket.getaddrinfo')[0] ?? '']);
    expect(outbound).toMatchObject({ code: 0, stdout: "['lo', 'tap0']\nConnection refused\n" });
    const none = await cli.run(['run', '-c', 'import socket; print([name for _, name in socket.if_nameindex()])']);
    expect(none.stdout).toBe("['lo']\n");
    const wrong = await cli.run(['run', '-c', LOOK, '--allow-host', 'https://example.org']);
    expect(wrong.stderr).toMatch(/--net or --allow-host: is a URL/);
  });

  it('is refused where the operator has switched it off', async () => {
    const other = await serviceHome();
    const without = await other.start({ NET_OUTBOUND: '0' });
    const response = await post(without.url, { spec: { net_policy: 'outbound' } });
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ code: 'net_policy_unavailable', errors: [{ pointer: '/spec/net_policy' }] });
    await other.close();
  });

  it('refuses to start on ranges and name servers that are none', async () => {
    const { code, said } = await home.refuse({
      NET_DENY: '10.0.0.0/8,10.0.0',
      NET_ALLOW_PRIVATE: '10.0.0.0/8,127.0.0.1',
      NET_DNS: 'dns.example.org',
    });
    expect(code).toBe(1);
    expect(said).toMatch(
      /(?=[^]*NET_DENY: "10\.0\.0" is)(?=[^]*NET_ALLOW_PRIVATE: "127\.0\.0\.1" is loopback)(?=[^]*NET_DNS: "dns\.example\.org")/,
    );
  });
});
