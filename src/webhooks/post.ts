import { lookup as resolve, type LookupAddress } from 'node:dns';
import { request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';

/** What an address answers is of no interest beyond its status. */
const MAX_ANSWER_BYTES = 64 * 1024;

export class AddressRefused extends Error {}

/**
 * Looks names up for a connection, and fails where one of the addresses is not allowed: what is checked here is what is connected to,
 * so a name that changes its mind between two questions gains nothing.
 */
const checkedLookup =
  (isAllowed: (address: string) => boolean): LookupFunction =>
  (name, options, callback) => {
    resolve(name, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      const refused = addresses?.find(({ address }) => !isAllowed(address));
      const failure = error ?? (refused === undefined ? null : new AddressRefused(`${name} is ${refused.address}, which is not allowed`));
      const [first] = addresses ?? [];
      if (failure !== null || first === undefined) callback(failure ?? new Error(`${name} has no address`), '', 0);
      else if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };

/**
 * Posts a body and resolves with the status of the answer, redirects included: nothing is followed. Rejects when there is no answer, and
 * with `AddressRefused` when the address is not allowed.
 */
export async function post(
  url: string,
  headers: Record<string, string>,
  body: string,
  isAllowed: (address: string) => boolean,
  signal: AbortSignal,
): Promise<number> {
  const { protocol, hostname } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  // Nobody looks up what is an address already.
  if (isIP(host) !== 0 && !isAllowed(host)) throw new AddressRefused(`${host} is not allowed`);
  // A connection of its own: another's could have been made under other rules.
  const options: RequestOptions = { method: 'POST', headers, lookup: checkedLookup(isAllowed), agent: false, signal };
  return new Promise((done, fail) => {
    const request = (protocol === 'https:' ? httpsRequest : httpRequest)(url, options, (answer) => {
      let bytes = 0;
      answer.on('data', (part: Buffer) => {
        bytes += part.length;
        if (bytes > MAX_ANSWER_BYTES) answer.destroy();
      });
      answer.on('error', () => undefined);
      answer.once('close', () => done(answer.statusCode ?? 0));
    });
    request.once('error', fail);
    request.end(body);
  });
}
