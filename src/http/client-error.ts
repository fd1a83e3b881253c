import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { ApiError, ERROR_CODES, errnoOf } from '../errors.ts';
import { problemOf } from './problem.ts';

const REASONS: Record<string, ApiError> = {
  ERR_HTTP_REQUEST_TIMEOUT: new ApiError('request_timeout', 'the request did not come in time'),
  HPE_HEADER_OVERFLOW: new ApiError('headers_too_large', 'the header fields or the address are too large'),
};
const NO_HTTP = new ApiError('invalid_request', 'that is no valid HTTP request');

/** Answers what never became a request (`clientError` of node:http): there is no response object, only the connection. */
export function answerClientError(error: Error, socket: Socket): void {
  if (socket.destroyed || errnoOf(error) === 'ECONNRESET') return;
  answerRaw(REASONS[errnoOf(error) ?? ''] ?? NO_HTTP, socket, isHead(error));
}

/** As far as the packet tells that could not be read: the answer to HEAD has no content (RFC 9110 §9.3.2). */
const isHead = (error: Error): boolean =>
  'rawPacket' in error && Buffer.isBuffer(error.rawPacket) && error.rawPacket.subarray(0, 5).toString('latin1') === 'HEAD ';

/** Answers on a bare connection, and ends it. */
export function answerRaw(reason: ApiError, socket: Socket, withoutContent = false): void {
  const { status } = ERROR_CODES[reason.code];
  const id = randomUUID();
  // There may be no address to name.
  const body = JSON.stringify(problemOf(reason, `urn:uuid:${id}`));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `x-request-id: ${id}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    ...Object.entries(reason.headers).map((pair) => pair.join(': ')),
  ];
  if (socket.writable) socket.write(`${head.join('\r\n')}\r\n\r\n${withoutContent ? '' : body}`);
  socket.destroy();
}
