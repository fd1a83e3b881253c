import * as fc from 'fast-check';
import type { JsonSchema } from './openapi.ts';

/** Values out of a schema, and values that mean to break whoever takes them for what the schema says. */

const HOSTILE_TEXTS = [
  '',
  ' ',
  '\0',
  'a\0b',
  '..',
  '../../etc/passwd',
  '/etc/passwd',
  'C:\\windows',
  '__proto__',
  'constructor',
  'toString',
  '\u202e\ud800',
  '\r\nSet-Cookie: a=b',
  '{{7*7}}',
  "' OR 1=1 --",
  '%00',
  '%n%s',
  'NaN',
  '1e999',
  '0x10',
  '-0',
  'é日\u{1f600}',
  'a'.repeat(300),
  'a'.repeat(10_000),
];

export const text: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.string({ maxLength: 20 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
  { weight: 2, arbitrary: fc.constantFrom(...HOSTILE_TEXTS) },
);

const number: fc.Arbitrary<unknown> = fc.oneof(
  fc.integer({ min: -5, max: 700 }),
  fc.constantFrom<unknown>(0, -1, 0.5, 1e308, -1e308, 2 ** 53, 2 ** 63, '12', ' 7 ', '1e3', '0x10', 'Infinity'),
);

/** Any JSON at all. */
const anything: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(null, [], {}, [[[[[[]]]]]], { __proto__: null, a: 1 }, true, ''),
  text,
);

function fitting(schema: JsonSchema): fc.Arbitrary<unknown> {
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map(fitting));
  switch (schema.type) {
    case 'string':
      return text;
    case 'number':
    case 'integer':
      return number;
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(fitting(schema.items ?? {}), { maxLength: 4 });
    case 'object':
      return schema.properties === undefined
        ? fc.dictionary(text, fitting(typeof schema.additionalProperties === 'object' ? schema.additionalProperties : {}), { maxKeys: 3 })
        : fields(schema.properties);
    default:
      return anything;
  }
}

/** Mostly what fits, sometimes anything. */
export const valueOf = (schema: JsonSchema): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 9, arbitrary: fitting(schema) }, { weight: 1, arbitrary: anything });

/** An object with some of the properties. */
export const fields = (properties: Record<string, JsonSchema>): fc.Arbitrary<Record<string, unknown>> =>
  fc
    .subarray(Object.keys(properties), { maxLength: Math.min(4, Object.keys(properties).length) })
    .chain((names) => fc.record(Object.fromEntries(names.map((name) => [name, valueOf(properties[name] ?? {})]))));
