import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { createJsonSchemaTransform } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problem } from '../api/problem.ts';
import { jobSpec, type SpecLimits } from '../api/spec.ts';
import { SAMPLES, textOf } from './openapi-samples.ts';

const binary = { type: 'string', contentMediaType: 'application/octet-stream' };

/** The page without its maker's banner, and its examples as code is read. */
const PAGE_STYLE = `
.swagger-ui .topbar { display: none; }
.swagger-ui .info { margin: 28px 0; }
.swagger-ui .markdown pre { padding: 10px 14px; border-radius: 6px; background: #16242b; }
.swagger-ui .markdown pre code { padding: 0; background: none; color: #e3ecef; font-weight: 400; }
.swagger-ui .markdown code { color: #0b6673; }
`;

/** GET /openapi.json (OpenAPI 3.1, from the schemas that validate) and GET /docs, which needs nothing from elsewhere. */
export async function describeApi(app: FastifyInstance, limits: SpecLimits, version: string): Promise<void> {
  const spec = describeSpec(limits);
  const form = {
    required: true,
    content: {
      'multipart/form-data': {
        schema: {
          type: 'object',
          required: ['spec'],
          properties: {
            spec,
            code_files: { type: 'array', items: binary, description: 'Files of the code folder; names may have folders' },
            input_files: { type: 'array', items: binary, description: 'Files of the input folder' },
          },
        },
        encoding: { spec: { contentType: 'application/json' } },
      },
    },
  };
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Job Runner',
        version,
        description:
          'Runs Python programs in isolation; streams their output; keeps the files that they leave. Every operation comes with an example ' +
          'in curl, TypeScript (`npm install job-runner`) and Python (`pip install job-runner-client`). Where the service asks for keys, ' +
          'add `-H "Authorization: Bearer $JOB_RUNNER_API_KEY"`, `apiKey` or `api_key`.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      components: { securitySchemes: SECURITY },
      // Nothing at all where the service asks for no keys.
      security: [{}, { bearer: [] }, { header: [] }],
      tags: [
        { name: 'jobs', description: 'Submit, look at, cancel and remove jobs' },
        { name: 'logs', description: 'Their output, live and afterwards' },
        { name: 'artifacts', description: 'Their files' },
        { name: 'service', description: 'What runs here, and how it is' },
      ],
    },
    transform: createJsonSchemaTransform({ skipList: [] }),
    transformObject: (document) => {
      if (!('openapiObject' in document)) return document.swaggerObject;
      const { openapiObject } = document;
      for (const path of ['/jobs', '/jobs/sync']) Object.assign(openapiObject.paths?.[path]?.post ?? {}, { requestBody: form });
      nameWildcard(openapiObject);
      describeStreams(openapiObject);
      explain(openapiObject);
      describeOtherErrors(openapiObject);
      return openapiObject;
    },
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: { tryItOutEnabled: true, validatorUrl: null, persistAuthorization: true },
    theme: { title: 'API · Job Runner', css: [{ filename: 'theme.css', content: PAGE_STYLE }] },
  });
  app.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) =>
    reply.type('application/json').send(JSON.stringify(app.swagger())),
  );
}

/**
 * The specification's fields with their bounds and defaults. What comes out of reading it has them all; what may go in
 * is that and more: every field may be left out, and numbers may be texts.
 */
function describeSpec(limits: SpecLimits): object {
  const {
    required: _,
    additionalProperties: __,
    ...spec
  } = z.toJSONSchema(jobSpec(limits), { io: 'output', target: 'openapi-3.1' as never });
  return spec;
}

const SECURITY = {
  bearer: { type: 'http', scheme: 'bearer' },
  header: { type: 'apiKey', in: 'header', name: 'X-Api-Key' },
  token: { type: 'apiKey', in: 'query', name: 'token', description: 'Of POST /jobs/{id}/token: opens reading one job, for minutes' },
} as const;

/** Adds what no schema says: words and examples, and who needs no key, or may do with a token. */
function explain(document: { paths?: object | undefined }): void {
  for (const [path, operations] of Object.entries(document.paths ?? {})) {
    for (const [method, operation] of Object.entries(operations as Record<string, Record<string, unknown>>)) {
      const sample = SAMPLES[String(operation['operationId'])];
      if (sample !== undefined) Object.assign(operation, textOf(sample));
      if (path === '/healthz' || path === '/readyz') operation['security'] = [];
      if (method === 'get' && path.startsWith('/jobs/{id}')) operation['security'] = [{}, { bearer: [] }, { header: [] }, { token: [] }];
    }
  }
}

const STREAMED: Record<string, string> = {
  '/jobs/{id}/logs': 'text/plain',
  '/jobs/{id}/logs/stream': 'text/event-stream',
  '/jobs/{id}/events': 'text/event-stream',
  '/jobs/{id}/artifacts/{path}': 'application/octet-stream',
  '/jobs/{id}/artifacts.zip': 'application/zip',
};

/** Fastify calls the rest of a path `*`; generators of clients want a name. */
function nameWildcard(document: { paths?: object | undefined }): void {
  const paths = (document.paths ?? {}) as Record<string, Record<string, { parameters?: { name: string }[] }>>;
  for (const [path, operations] of Object.entries(paths).filter(([path]) => path.includes('{*}'))) {
    Reflect.deleteProperty(paths, path);
    paths[path.replace('{*}', '{path}')] = operations;
    for (const { parameters = [] } of Object.values(operations)) {
      for (const parameter of parameters) if (parameter.name === '*') parameter.name = 'path';
    }
  }
}

/** Answers that are no JSON, which the schemas don't describe; errors come as application/problem+json. */
function describeStreams(document: { paths?: object | undefined }): void {
  for (const [path, operations] of Object.entries(document.paths ?? {})) {
    for (const operation of Object.values(operations as Record<string, { responses?: Record<string, Record<string, unknown>> }>)) {
      const responses = operation.responses ?? {};
      const streamed = STREAMED[path];
      if (streamed !== undefined) responses['200'] = { description: 'OK', content: { [streamed]: { schema: { type: 'string' } } } };
      for (const [status, response] of Object.entries(responses)) {
        const content = response['content'] as Record<string, unknown> | undefined;
        if (Number(status) < 400 || content?.['application/json'] === undefined || path === '/readyz') continue;
        response['content'] = { 'application/problem+json': content['application/json'] };
      }
    }
  }
}

/** What any request may be answered, whatever it asks for: no key, too many of them, too slow, no HTTP. */
function describeOtherErrors(document: { paths?: object | undefined }): void {
  const schema = z.toJSONSchema(problem, { target: 'openapi-3.1' as never });
  for (const operations of Object.values(document.paths ?? {})) {
    for (const operation of Object.values(operations as Record<string, { responses?: Record<string, unknown> }>))
      operation.responses = {
        ...operation.responses,
        default: { description: 'Any other error', content: { 'application/problem+json': { schema } } },
      };
  }
}
