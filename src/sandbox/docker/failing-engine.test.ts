import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startEngineStandIn, type EngineBehaviour, type EngineStandIn } from '../../../test/support/engine-stand-in.ts';
import { createDocker, type DockerSandbox } from '../docker.ts';
import { SandboxUnavailable, type LeftOut, type RunSpec } from '../sandbox.ts';

const MIB = 1024 * 1024;
const BOUNDS = { maxFiles: 10, maxDepth: 8, maxBytes: MIB, maxMs: 1000 };
/** Of another machine, or of before this one was started. */
const OWNER = 'another-boot/1/1/1/';

describe('an engine that fails', () => {
  let home: string;
  let engine: EngineStandIn | undefined;
  let sandbox: DockerSandbox | undefined;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'failing-engine-'));
    await writeFile(join(home, 'main.py'), 'print(1)');
  });
  afterEach(async () => {
    await sandbox?.close();
    await engine?.close();
    await rm(home, { recursive: true, force: true });
    sandbox = undefined;
    engine = undefined;
  });

  async function against(behaviour: EngineBehaviour): Promise<{ engine: EngineStandIn; sandbox: DockerSandbox; run: RunSpec }> {
    engine = await startEngineStandIn(behaviour);
    sandbox = createDocker({ engine: { dockerHost: engine.host, certificates: undefined, runtimeDir: undefined }, runtime: undefined });
    const run: RunSpec = {
      jobId: 'job',
      interpreter: { image: 'image', executable: 'python3', environment: {}, packages: [] },
      codeDir: home,
      inputDir: home,
      entry: 'main.py',
      args: [],
      env: {},
      stdin: '',
      limits: { timeoutMs: 60_000, cpus: 1, memoryBytes: 64 * MIB, pids: 16, diskBytes: MIB, outputBytes: MIB },
      splitOutput: false,
      workspace: 'read_only',
    };
    return { engine, sandbox, run };
  }
  const never = new AbortController().signal;

  it('holds up no job that is canceled while its container says nothing, and leaves no container', async () => {
    const canceled = new AbortController();
    const attached = Promise.withResolvers<void>();
    const { engine, sandbox, run } = await against({ init: () => attached.resolve() });
    await sandbox.check();
    const starting = sandbox.start(run, canceled.signal);
    await attached.promise;
    canceled.abort();
    const running = await starting;
    expect((await running.ended).exit).toEqual({ kind: 'aborted' });
    const disposed = running.dispose();
    // Whatever the start still waits for is over with its connection.
    await engine.close();
    await disposed;
    await expect(sandbox.start(run, never)).rejects.toBeInstanceOf(SandboxUnavailable);
  });

  it('is given a minute to let a container speak', async () => {
    const attached = Promise.withResolvers<void>();
    const { engine, sandbox, run } = await against({ init: () => attached.resolve() });
    await sandbox.check();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const failed = sandbox.start(run, never).catch(String);
      await attached.promise;
      await vi.advanceTimersByTimeAsync(60_000);
      expect(await failed).toContain('no word of ‘up’ from the init');
    } finally {
      vi.useRealTimers();
    }
    expect(engine.calls).toContain('DELETE /containers/new');
  });

  it('says so when it is not there, and when it has lost the image: nothing can be started then', async () => {
    const { engine, sandbox, run } = await against({
      errors: { 'POST /containers/create': { status: 404, message: 'No such image: image' } },
    });
    await sandbox.check();
    await expect(sandbox.start(run, never)).rejects.toThrow(new SandboxUnavailable('No such image: image'));
    await engine.close();
    await expect(sandbox.start(run, never)).rejects.toThrow(new SandboxUnavailable(`no engine answers (${engine.host})`));
    await expect(sandbox.check()).rejects.toThrow(/ENOENT|ECONNREFUSED/);
  });

  it('tells what it can’t start from its being away', async () => {
    const { sandbox, run } = await against({ errors: { 'POST /containers/new/start': { status: 500, message: 'no space left' } } });
    await sandbox.check();
    const failed = sandbox.start(run, never);
    await expect(failed).rejects.toThrow('the sandbox could not be set up: no space left');
    await expect(failed).rejects.not.toBeInstanceOf(SandboxUnavailable);
  });

  it('keeps how a program ended when its files can’t be had any more', async () => {
    const ended = { kind: 'ended', status: 9, wallMs: 1, cpuMs: 1, maxRssBytes: 1, oomKills: 1, full: false };
    const { sandbox, run } = await against({
      init(order, say) {
        if (order.includes('import ')) say({ kind: 'up' });
        if (order.includes('"command":[')) for (const message of [{ kind: 'started' }, ended]) say(message);
        if (order.includes('"maxFiles":')) say({ kind: 'failed', text: 'collecting ended with status 9' });
      },
    });
    await sandbox.check();
    const running = await sandbox.start(run, never);
    expect((await running.ended).exit).toEqual({ kind: 'oom' });
    const leftOut: LeftOut[] = [];
    for await (const file of running.collect(BOUNDS, (what) => leftOut.push(what))) throw new Error(file.name);
    expect(leftOut).toEqual([{ name: 'everything else', reason: 'collecting ended with status 9' }]);
    await running.dispose();
  });

  it('that can’t remove one container is not kept from removing the others, and is told of', async () => {
    const left = ['one', 'two', 'three'].map((id) => ({ id, state: 'created', owner: OWNER }));
    const { engine, sandbox } = await against({
      containers: left,
      errors: { 'DELETE /containers/one': { status: 500, message: 'device or resource busy' } },
    });
    const { notes } = await sandbox.check();
    expect(engine.calls.filter((call) => call.startsWith('DELETE'))).toEqual(left.map(({ id }) => `DELETE /containers/${id}`));
    expect(notes).toContain('a container that is left over could not be removed: one: device or resource busy');
  });
});
