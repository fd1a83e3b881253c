import { Ajv2020 } from 'ajv/dist/2020.js';

export interface JsonSchema {
  type?: string;
  anyOf?: JsonSchema[];
  enum?: unknown[];
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  additionalProperties?: JsonSchema | boolean;
  minimum?: number;
  maximum?: number;
}

interface Described {
  operationId?: string;
  parameters?: { in: 'path' | 'query'; name: string; schema: JsonSchema }[];
  requestBody?: { content: Record<string, { schema: JsonSchema }> };
  responses: Record<string, { content?: Record<string, { schema: JsonSchema }> }>;
}

export interface Operation extends Described {
  method: string;
  /** With its parameters in braces. */
  path: string;
}

export interface Api {
  operations: Operation[];
  /** What of an answer the description does not allow; undefined when it is as described. `path` is as it was asked for, without a query. */
  problemWith(method: string, path: string, answer: { status: number; type: string; text: string }): string | undefined;
}

/** Dates and the like are checked by their schemas' patterns. */
const ajv = new Ajv2020({ strict: false, validateFormats: false });

const patternOf = (path: string): RegExp =>
  new RegExp(
    `^${path
      .replace(/[.]/g, '\\.')
      .replace(/\{path\}/g, '.*')
      .replace(/\{\w+\}/g, '[^/]+')}/?$`,
  );

/** The service's own description of itself. */
export async function readApi(url: string): Promise<Api> {
  const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as { paths: Record<string, Record<string, Described>> };
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]): Operation => ({ ...described, path, method: method.toUpperCase() })),
  );
  const compiled = operations.map((operation) => ({
    operation,
    pattern: patternOf(operation.path),
    validators: new Map<string, ReturnType<typeof ajv.compile>>(),
  }));

  return {
    operations,
    problemWith(method, path, { status, type, text }) {
      const asked = method === 'HEAD' ? 'GET' : method;
      // The most specific of those whose pattern fits: the one that says the most in plain words.
      const found = compiled
        .filter(({ operation, pattern }) => operation.method === asked && pattern.test(path))
        .toSorted((a, b) => b.operation.path.replace(/\{\w+\}/g, '').length - a.operation.path.replace(/\{\w+\}/g, '').length)[0];
      const responses = found?.operation.responses ?? operations[0]?.responses ?? {};
      const named = found === undefined ? 'default' : responses[status] === undefined ? 'default' : String(status);
      if (named === 'default' && (status < 400 || status >= 500)) return `${status} is not described`;
      const content = responses[named]?.content;
      if (method === 'HEAD' || [204, 304].includes(status)) return text === '' ? undefined : 'a body came where there is none';
      if (content === undefined || (status < 400 && ![200, 206].includes(status))) return undefined;
      const [mediaType = '', described] = Object.entries(content)[0] ?? [];
      if (described === undefined) return undefined;
      // Files have types of their own.
      if (mediaType === 'application/octet-stream') return undefined;
      if (!type.startsWith(mediaType)) return `${type} came, not ${mediaType}`;
      if (!mediaType.endsWith('json')) return undefined;
      let validate = found?.validators.get(named) ?? undefined;
      validate ??= ajv.compile(described.schema);
      found?.validators.set(named, validate);
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch {
        return 'the body is no JSON';
      }
      return validate(value) ? undefined : ajv.errorsText(validate.errors);
    },
  };
}
