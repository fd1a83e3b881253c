import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, ProtocolErrorCode, type AuthInfo } from '@modelcontextprotocol/server';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config.ts';
import { ApiError, ERROR_CODES } from '../errors.ts';
import type { Sender } from '../jobs/submit.ts';
import { takeJson } from '../http/json-body.ts';
import { sendError } from '../http/problem.ts';
import { senderOf } from '../http/sender.ts';
import type { App } from '../http/typed-app.ts';
import { createCallerCheck } from './callers.ts';
import type { Jobs } from './jobs.ts';
import { createMcpServer } from './server.ts';

/** JSON-RPC 2.0 §5.1: an error of a request that could not be read has no id. */
const told = (error: ApiError) => ({
  status: ERROR_CODES[error.code].status,
  type: 'application/json',
  body: { jsonrpc: '2.0', error: { code: ProtocolErrorCode.InvalidRequest, message: error.message }, id: null },
});

/** How a request's sender comes to the tools: the package passes on what it is told of an authentication, and looks at none itself. */
const authOf = (sender: Sender): AuthInfo => ({ token: '', clientId: sender.caller.owner, scopes: [], extra: { sender } });

function senderIn(auth: AuthInfo | undefined): Sender {
  const sender = auth?.extra?.['sender'] as Sender | undefined;
  if (sender === undefined) throw new Error('a request came to MCP without its sender');
  return sender;
}

/** POST /mcp: the Model Context Protocol over streamable HTTP. Nothing is kept between requests, so any server answers any of them. */
export async function mountMcp(app: App, parts: { config: Config; jobs: (sender: Sender) => Jobs; version: string }): Promise<void> {
  const { config, jobs, version } = parts;
  if (!config.MCP) return;
  const maxBytes = config.MAX_UPLOAD_MB * 1024 ** 2;
  const onerror = (error: Error): void =>
    // What clients send wrongly is told to them.
    app.log[error.message.startsWith('Rejected inbound request') ? 'debug' : 'warn']({ err: error }, 'an MCP request failed');
  const mcp = createMcpHandler(({ authInfo }) => createMcpServer(jobs(senderIn(authInfo)), version), {
    onerror,
    maxRequestBodySize: maxBytes,
    keepAliveMs: config.HEARTBEAT_MS,
  });
  const handle = toNodeHandler(mcp, { onerror, maxRequestBodySize: maxBytes });
  const check = createCallerCheck(config);
  app.addHook('preClose', () => mcp.close());

  await app.register(async (scope) => {
    takeJson(scope, maxBytes);
    scope.setErrorHandler((error, request, reply) => sendError(reply, request, error, told));
    scope.addHook('onRequest', async ({ method, headers }) => {
      const refusal = check(headers);
      if (refusal !== undefined) throw new ApiError('forbidden', refusal);
      if (method === 'POST' && headers['content-type']?.startsWith('application/json') !== true)
        throw new ApiError('unsupported_media_type', 'send application/json');
    });
    scope.route({
      method: ['GET', 'POST', 'DELETE'],
      url: '/mcp',
      schema: { hide: true },
      handler: async (request: FastifyRequest, reply: FastifyReply) => {
        reply.hijack();
        // What hooks have set for all answers.
        for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) reply.raw.setHeader(name, value);
        await handle(
          Object.assign(request.raw, { auth: authOf(senderOf(request)) }) as Parameters<typeof handle>[0],
          reply.raw,
          request.body,
        );
      },
    });
  });
}
