import { z } from 'zod';
import { parseRange, type Around, type Range } from '../egress/ranges.ts';
import { ownAddresses } from '../egress/tools.ts';
import type { Place } from '../egress/serve.ts';
import { createContainer, startAttached } from './attach.ts';
import type { EngineClient } from './client.ts';
import { createDemultiplexer } from './demultiplex.ts';
import { removeContainer } from './sweep.ts';

const networks = z.array(z.object({ IPAM: z.object({ Config: z.array(z.object({ Subnet: z.string().optional() })).nullish() }) }));
const addresses = z.array(z.union([z.ipv4(), z.ipv6()]));

/** The machine's addresses are asked for again after this long. */
const FRESH_MS = 60_000;
const LOOK_MS = 30_000;
const MAX_ANSWER_BYTES = 1024 * 1024;

/** Where the engine's own resolver answers in networks that were made by hand: it would ask on for whoever it is, past every list. */
const ENGINE_RESOLVER: Around['closedLoopback'] = [{ address: '127.0.0.11', bits: 32, family: 'ipv4' }];

/** The addresses of the engine's machine, by a container in its network that has no right, and nothing in it but ours. */
async function lookAround(client: EngineClient, body: object): Promise<string[]> {
  const id = await createContainer(client, body);
  try {
    const { socket } = await startAttached(client, id);
    const timer = setTimeout(() => socket.destroy(), LOOK_MS);
    const parts = createDemultiplexer();
    const said = ['', '', ''];
    try {
      for await (const data of socket as AsyncIterable<Buffer>) {
        for (const { stream, bytes } of parts(data)) said[stream] = `${said[stream] ?? ''}${bytes.toString('utf8')}`;
        if (said.join('').length > MAX_ANSWER_BYTES) break;
      }
    } finally {
      clearTimeout(timer);
    }
    const [, answer = '', complaint = ''] = said;
    try {
      return addresses.parse(JSON.parse(answer));
    } catch (error) {
      throw new Error(`the addresses of the engine’s machine can’t be seen: ${complaint.trim().split('\n').at(-1)}`, { cause: error });
    }
  } finally {
    await removeContainer(client, id);
  }
}

/** Finds out what no job may reach although it may look public: the engine's machine, and others' containers. */
export function createSurroundings(client: EngineClient): (lookout: object) => Promise<Required<Place>> {
  let last: { at: number; found: Promise<string[]> } | undefined;

  const engineAddresses = (lookout: object): Promise<string[]> => {
    if (last === undefined || performance.now() - last.at > FRESH_MS) {
      const mine = { at: performance.now(), found: lookAround(client, lookout) };
      last = mine;
      mine.found.catch(() => {
        if (last === mine) last = undefined;
      });
    }
    return last.found;
  };

  return async (lookout) => {
    const [theirs, { body }] = await Promise.all([engineAddresses(lookout), client.call('GET', '/networks')]);
    const subnets = networks.parse(body).flatMap(({ IPAM }) => (IPAM.Config ?? []).map(({ Subnet = '' }) => parseRange(Subnet)));
    const neighbours = subnets.filter((range): range is Range => range !== undefined);
    return { ownAddresses: [...ownAddresses(), ...theirs], around: { neighbours, closedLoopback: ENGINE_RESOLVER } };
  };
}
