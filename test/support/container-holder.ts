import { mkdtemp, mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDocker } from '../../src/sandbox/docker.ts';
import { DEFAULT_EGRESS } from '../../src/sandbox/egress/serve.ts';

/** A service with a job in a container, to be killed: `container-holder.ts DOCKER_HOST IMAGE [outbound]`. */
const [dockerHost, image = '', network] = process.argv.slice(2);
const MIB = 1024 * 1024;
const sandbox = createDocker({
  engine: { dockerHost, certificates: undefined, runtimeDir: undefined },
  runtime: undefined,
  egress: DEFAULT_EGRESS,
});
await sandbox.check();
const description = await sandbox.describe(image);
if (description === undefined) throw new Error(`there is no image ${image}`);
const home = await mkdtemp(join(tmpdir(), 'container-holder-'));
for (const name of ['code', 'input']) await mkdir(join(home, name));
await writeFile(join(home, 'code/main.py'), 'import time\nprint("a job is running", flush=True)\ntime.sleep(600)\n');
const running = await sandbox.start(
  {
    jobId: 'held',
    interpreter: description.interpreter,
    codeDir: join(home, 'code'),
    inputDir: join(home, 'input'),
    entry: 'main.py',
    args: [],
    env: {},
    stdin: '',
    limits: { timeoutMs: 600_000, cpus: 1, memoryBytes: 64 * MIB, pids: 16, diskBytes: MIB, outputBytes: MIB },
    splitOutput: false,
    workspace: 'read_only',
    network: network === 'outbound' ? network : 'none',
  },
  new AbortController().signal,
);
for await (const { bytes } of running.output) process.stdout.write(bytes);
