import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { serveStdio, StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import type { Jobs } from './jobs.ts';
import { createMcpServer } from './server.ts';

/** One message: files travel in it. */
const MAX_MESSAGE_BYTES = 128 * 1024 ** 2;

export interface StdioOptions {
  jobs: Jobs;
  version: string;
  stdin?: Readable;
  /** Nothing else may be written there. */
  stdout?: Writable;
  onError?: (error: Error) => void;
}

/** The Model Context Protocol on standard input and output, as clients start it. Resolves when the client has closed its end. */
export async function serveMcpOnStdio(options: StdioOptions): Promise<void> {
  const { jobs, version, stdin = process.stdin, stdout = process.stdout, onError } = options;
  const transport = new StdioServerTransport(stdin, stdout, { maxBufferSize: MAX_MESSAGE_BYTES });
  const closed = once(stdin, 'close');
  const serving = serveStdio(() => createMcpServer(jobs, version), { transport, ...(onError === undefined ? {} : { onerror: onError }) });
  await closed;
  await serving.close();
}
