import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { StartError } from '../../errors.ts';
import type { ImageInterpreter, KnownRuntime } from '../../runtimes/runtime.ts';
import type { RunSpec, Sandbox } from '../sandbox.ts';
import { EngineError } from './client.ts';
import type { Connection } from './connect.ts';
import { LABELS, LAYOUT } from './plan.ts';
import { PROBE } from './sources.ts';

/** What an image has for jobs. */
export interface ImageDescription {
  /** `3.12.1`. */
  version: string;
  interpreter: ImageInterpreter;
  /** From a package's name to its version. */
  packages: Record<string, string>;
  noNetwork?: NonNullable<KnownRuntime['noNetwork']>;
}

type FoundImage = Pick<ImageInterpreter, 'image' | 'environment'>;

const MIB = 1024 * 1024;
const PROBE_MS = 60_000;
const LIMITS: RunSpec['limits'] = {
  timeoutMs: PROBE_MS,
  cpus: 1,
  memoryBytes: 256 * MIB,
  pids: 32,
  diskBytes: MIB,
  outputBytes: 4 * MIB,
};

const inspected = z.object({
  Id: z.string(),
  Config: z.object({ Env: z.array(z.string()).nullish(), Labels: z.record(z.string(), z.string()).nullish() }),
});
const answer = z.object({
  implementation: z.string(),
  version: z.string(),
  executable: z.string().startsWith('/'),
  packages: z.record(z.string(), z.string()),
});

/** The one line that makes an image as the documentation has it. */
export const buildCommand = (image: string, podman: boolean): string =>
  `${podman ? 'podman' : 'docker'} build -f Dockerfile.exec -t ${image} .`;

/** An image by its name. Undefined when the engine has none: it is never told to pull. Throws a StartError for one that is not made for jobs. */
export async function findImage({ client, podman }: Pick<Connection, 'client' | 'podman'>, image: string): Promise<FoundImage | undefined> {
  let body: unknown;
  try {
    ({ body } = await client.call('GET', `/images/${image.split('/').map(encodeURIComponent).join('/')}/json`));
  } catch (error) {
    if (error instanceof EngineError && error.status === 404) return undefined;
    throw error;
  }
  const { Id, Config } = inspected.parse(body);
  if (Config.Labels?.[LABELS.layout] !== LAYOUT) {
    throw new StartError(`The image ${image} was not built with this version’s Dockerfile.exec.`, buildCommand(image, podman));
  }
  const variables = (Config.Env ?? []).map((each) => [each.replace(/=.*/s, ''), each.replace(/^[^=]*=/, '')] as const);
  return { image: Id, environment: Object.fromEntries(variables) };
}

/** Asks an image what it has, by a job in it. Throws what went wrong, in words. */
export async function probeImage(start: Sandbox['start'], found: FoundImage): Promise<ImageDescription> {
  const home = await mkdtemp(join(tmpdir(), 'job-runner-probe-'));
  try {
    await mkdir(join(home, 'input'));
    await mkdir(join(home, 'code'));
    await writeFile(join(home, 'code/probe.py'), PROBE);
    const run: RunSpec = {
      jobId: 'probe',
      interpreter: { ...found, executable: 'python3', packages: [] },
      codeDir: join(home, 'code'),
      inputDir: join(home, 'input'),
      entry: 'probe.py',
      args: [],
      env: {},
      stdin: '',
      limits: LIMITS,
      splitOutput: true,
      workspace: 'read_only',
      coldStart: true,
    };
    const running = await start(run, new AbortController().signal);
    try {
      const said = { stdout: '', stderr: '' };
      for await (const { stream, bytes } of running.output) said[stream] += bytes.toString('utf8');
      const { exit } = await running.ended;
      if (exit.kind !== 'exited' || exit.code !== 0) throw new Error(`a trial run ended with ${JSON.stringify(exit)}: ${said.stderr}`);
      const { version, executable, packages } = answer.parse(JSON.parse(said.stdout));
      const names = Object.keys(packages).map((name) => name.toLowerCase().replace(/[-_.]+/g, '-'));
      return { version, interpreter: { ...found, executable, packages: names }, packages };
    } finally {
      await running.dispose();
    }
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
