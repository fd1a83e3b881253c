import type { Destination, Network } from '../sandbox.ts';
import { answers, answerTo, CLASS_IN, CODE, readAddresses, readQuestion, reverseAddress, TYPE, type Question } from './dns-message.ts';
import type { Upstream } from './upstream.ts';

/** What an allow-list's name turned out to stand for. */
export interface Resolved {
  address: string;
  ttlSec: number;
  /** Undefined: all. */
  ports: readonly number[] | undefined;
}

export interface ResolverParts {
  network: Exclude<Network, 'none'>;
  isPermitted: (address: string) => boolean;
  upstream: Upstream;
  /** Lets the job connect to what it is about to be told. */
  permit: (resolved: Resolved[]) => Promise<void>;
}

/** Answers one job's DNS messages; undefined where none is due. */
export type Answerer = (message: Buffer, byTcp: boolean) => Promise<Buffer | undefined>;

const NOT_ASKED_ON: ReadonlySet<number> = new Set([TYPE.IXFR, TYPE.AXFR, TYPE.ANY]);

/**
 * The resolver that a job sees. Names are resolved by the host's resolvers, so there may be inner names among them: what stands for an
 * address that the job may not connect to is answered as if it stood for none. With an allow-list, its names alone are asked on, and
 * their addresses become what the packet filter lets through. That filter decides in any case; nothing here is needed to keep a job in.
 */
export function createResolver({ network, isPermitted, upstream, permit }: ResolverParts): Answerer {
  return async (message, byTcp) => {
    const question = readQuestion(message);
    if (question === undefined) return undefined;
    const say = (code: number): Buffer => answerTo(message, question, code);
    if (!question.isQuery) return say(CODE.notImplemented);
    if (question.class !== CLASS_IN || NOT_ASKED_ON.has(question.type)) return say(CODE.refused);
    const entries = network === 'outbound' ? undefined : network.allow.filter((entry) => isFor(entry, question));
    if (entries?.length === 0 || isHiddenReverse(question, isPermitted)) return say(CODE.noSuchName);
    try {
      const answer = await upstream(message, byTcp);
      const addresses = answers(answer, message, question) ? readAddresses(answer, question) : undefined;
      if (addresses === undefined) return say(CODE.serverFailed);
      // A name that is half inner is no name of the outside: the same as what resolvers do against rebinding.
      if (!addresses.every(({ address }) => isPermitted(address))) return say(CODE.ok);
      if (entries !== undefined) {
        const ports = portsOf(entries);
        const told = addresses.filter(({ isAnswer }) => isAnswer);
        await permit(told.map(({ address, ttlSec }) => ({ address, ttlSec, ports })));
      }
      return answer;
    } catch {
      return say(CODE.serverFailed);
    }
  };
}

function isFor(entry: Destination, { labels }: Question): boolean {
  if (!('name' in entry)) return false;
  const name = entry.name.split('.');
  // Label by label: a dot inside of a label is none.
  const isTail = labels.slice(-name.length).every((label, index) => label === name[index]) && labels.length >= name.length;
  return isTail && (entry.below ? labels.length > name.length : labels.length === name.length);
}

function portsOf(entries: readonly Destination[]): readonly number[] | undefined {
  const ports = entries.map(({ port }) => port);
  return ports.includes(undefined) ? undefined : [...new Set(ports.filter((port) => port !== undefined))];
}

/** The names of inner machines are not told either. */
function isHiddenReverse({ labels, type }: Question, isPermitted: (address: string) => boolean): boolean {
  if (labels.at(-1) !== 'arpa' || type !== TYPE.PTR) return false;
  const address = reverseAddress(labels);
  return address === undefined || !isPermitted(address);
}
