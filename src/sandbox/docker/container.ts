import { PassThrough, type Writable } from 'node:stream';
import type { Socket } from 'node:net';
import { z } from 'zod';
import type { EngineClient } from './client.ts';
import { createDemultiplexer } from './demultiplex.ts';
import { createFrameReader, encodeFrame, ORDER, REPORT, type Frame } from './frames.ts';
import { createContainer, startAttached } from './attach.ts';
import { BOOTSTRAP, INIT } from './sources.ts';
import { containerBody, type ContainerPlan } from './plan.ts';
import { podmanBody } from './podman-plan.ts';
import { removeContainer } from './sweep.ts';

const message = z.discriminatedUnion('kind', [
  z.object({ kind: z.enum(['up', 'started', 'full', 'oom']) }),
  z.object({ kind: z.literal('ready'), imported: z.array(z.string()) }),
  z.object({ kind: z.literal('failed'), text: z.string() }),
  z.object({
    kind: z.literal('ended'),
    status: z.number(),
    wallMs: z.number(),
    cpuMs: z.number(),
    maxRssBytes: z.number(),
    oomKills: z.number(),
    full: z.boolean(),
  }),
]);

export type Message = z.output<typeof message>;
export type EndReport = Extract<Message, { kind: 'ended' }>;

/** A running container with our init in it. */
export interface Container {
  id: string;
  /** What the job says. End with the job, or with the container. */
  stdout: PassThrough;
  stderr: PassThrough;
  /** Sends orders; resolves when the connection has taken them. Rejects when it is gone, or has taken nothing for a minute. */
  order(...frames: readonly Buffer[]): Promise<void>;
  /** The next message of a kind. Rejects when the init says that something failed, is gone, or has said nothing for so long: then it is given up. */
  next<Kind extends Message['kind']>(kind: Kind, withinMs?: number): Promise<Extract<Message, { kind: Kind }>>;
  /** Hears of everything that comes without being asked for. */
  onNotice(listener: (kind: 'full' | 'oom') => void): void;
  /** Reads on, whether or not anybody takes the output: its rest is bounded when the job is dead. */
  readOn(): void;
  /** What the init sends of the job's files, from now on; ends with the container. */
  frames(): AsyncGenerator<Frame>;
  /** Gives it so much more memory, where the engine can: files that have filled all of it are to be read. */
  giveMemory(bytes: number): Promise<void>;
  /** Whether it has ended, and the engine counts it as killed for its memory. */
  ranOutOfMemory(): Promise<boolean>;
  /** Resolves when the connection is over, for whatever reason. */
  gone: Promise<void>;
  /** Ends and removes it. `why`: for whoever still waits for it. */
  remove(why?: string): Promise<void>;
}

/** How long whatever is no more than a start may take, on a machine that is busy. */
export const START_MS = 60_000;
const PING_MS = 15_000;
const ENDING_MS = 10_000;
const MAX_ERROR_BYTES = 4096;
/** Frames that nobody has taken yet, after which the init is made to wait. */
const MAX_QUEUED_BYTES = 1024 * 1024;

const inspected = z.object({ State: z.object({ OOMKilled: z.boolean() }) });
const bounded = z.object({ HostConfig: z.object({ Memory: z.number() }) });

/** Makes and starts a container, and has its init running; it starts once `ready` has come about. Nothing is left when that fails. */
export async function openContainer(
  client: EngineClient,
  plan: Omit<ContainerPlan, 'bootstrap'>,
  ready?: Promise<void>,
): Promise<Container> {
  const whole = { ...plan, bootstrap: BOOTSTRAP };
  const id = plan.podman
    ? await createContainer(client, podmanBody(whole), '/libpod/containers/create')
    : await createContainer(client, containerBody(whole));
  const { socket } = await startAttached(client, id, ready);
  const container = talk(client, id, socket);
  try {
    await container.order(INIT);
    await container.next('up', START_MS);
    return container;
  } catch (error) {
    await container.remove().catch(() => undefined);
    throw error;
  }
}

/** Calls back when a stream has taken what it was given, or never will; whichever comes, no listener stays. */
function onceTaken(stream: Writable, listener: () => void): void {
  const heard = (): void => {
    stream.off('drain', heard).off('close', heard);
    listener();
  };
  stream.once('drain', heard).once('close', heard);
}

function talk(client: EngineClient, id: string, socket: Socket): Container {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const parts = createDemultiplexer();
  const cut = createFrameReader();
  const messages: Message[] = [];
  const queue: Frame[] = [];
  let queuedBytes = 0;
  let errorText = '';
  let over: Error | undefined;
  let readingOn = false;
  let notice: (kind: 'full' | 'oom') => void = () => undefined;
  let wake = (): void => undefined;
  let wakeFrames = (): void => undefined;

  const endOutput = (): void => {
    stdout.end();
    stderr.end();
  };
  const finish = (error: Error): void => {
    if (over !== undefined) return;
    over = error;
    clearInterval(pinging);
    endOutput();
    socket.destroy();
    wake();
    wakeFrames();
  };
  const write = (to: PassThrough, bytes: Buffer): void => {
    if (to.destroyed || to.writableEnded || to.write(bytes) || readingOn) return;
    socket.pause();
    onceTaken(to, () => socket.resume());
  };
  const take = ({ kind, payload }: Frame): void => {
    switch (kind) {
      case REPORT.stdout:
        return write(stdout, payload);
      case REPORT.stderr:
        return write(stderr, payload);
      case REPORT.message: {
        const said = message.parse(JSON.parse(payload.toString('utf8')));
        if (said.kind === 'full' || said.kind === 'oom') return notice(said.kind);
        if (said.kind === 'ended') endOutput();
        messages.push(said);
        wake();
        return wakeFrames();
      }
      default:
        queue.push({ kind, payload });
        queuedBytes += payload.length;
        if (queuedBytes > MAX_QUEUED_BYTES) socket.pause();
        return wakeFrames();
    }
  };
  socket.on('data', (data: Buffer) => {
    try {
      for (const { stream, bytes } of parts(data)) {
        if (stream === 1) cut(bytes).forEach(take);
        else errorText = (errorText + bytes.toString('utf8')).slice(-MAX_ERROR_BYTES);
      }
    } catch (error) {
      finish(new Error('the init said what it never says', { cause: error }));
    }
  });
  const gone = new Promise<void>((resolve) => {
    socket.once('close', () => {
      finish(new Error(`the container is gone ${errorText}`.trim()));
      resolve();
    });
  });
  socket.on('error', (error) => finish(error));
  socket.on('end', () => finish(new Error(`the container has ended ${errorText}`.trim())));
  // The init ends when it hears nothing for a while: a connection that was cut without a word ends its container, too.
  const pinging = setInterval(() => socket.write(encodeFrame(ORDER.ping)), PING_MS);
  pinging.unref();

  return {
    id,
    stdout,
    stderr,
    gone,

    async order(...orders) {
      for (const each of orders) {
        if (over !== undefined) throw over;
        if (socket.write(each)) continue;
        const stalled = setTimeout(() => finish(new Error('the container takes nothing any more')), START_MS);
        await new Promise<void>((resolve) => onceTaken(socket, resolve));
        clearTimeout(stalled);
      }
    },

    async next(kind, withinMs) {
      const late = withinMs === undefined ? undefined : setTimeout(() => finish(new Error(`no word of ‘${kind}’ from the init`)), withinMs);
      try {
        for (;;) {
          const said = messages.shift();
          if (said?.kind === 'failed') throw new Error(said.text);
          if (said?.kind === kind) return said as never;
          if (said !== undefined) continue;
          if (over !== undefined) throw over;
          await new Promise<void>((resolve) => (wake = resolve));
        }
      } finally {
        clearTimeout(late);
      }
    },

    onNotice(listener) {
      notice = listener;
    },

    readOn() {
      readingOn = true;
      socket.resume();
    },

    async *frames() {
      for (;;) {
        const frame = queue.shift();
        if (frame !== undefined) {
          queuedBytes -= frame.payload.length;
          if (queuedBytes <= MAX_QUEUED_BYTES / 2) socket.resume();
          yield frame;
          continue;
        }
        const failed = messages.find((said) => said.kind === 'failed');
        if (failed !== undefined) throw new Error(failed.text);
        if (over !== undefined) throw over;
        await new Promise<void>((resolve) => (wakeFrames = resolve));
      }
    },

    async giveMemory(bytes) {
      try {
        const { HostConfig } = bounded.parse((await client.call('GET', `/containers/${id}/json`)).body);
        const memory = HostConfig.Memory + bytes;
        await client.call('POST', `/containers/${id}/update`, { Memory: memory, MemorySwap: memory });
      } catch {
        // Reading may do without; that it can't is told then.
      }
    },

    async ranOutOfMemory() {
      if (over === undefined) return false;
      try {
        // Its connection may be over before the engine knows why.
        await client.call('POST', `/containers/${id}/wait`, undefined, ENDING_MS);
        return inspected.parse((await client.call('GET', `/containers/${id}/json`)).body).State.OOMKilled;
      } catch {
        return false;
      }
    },

    async remove(why = 'the container was removed') {
      finish(new Error(why));
      await removeContainer(client, id);
    },
  };
}
