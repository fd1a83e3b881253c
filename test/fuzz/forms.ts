import * as fc from 'fast-check';
import { fields, text, valueOf } from './values.ts';
import type { JsonSchema } from './openapi.ts';

/** Multipart forms: whole ones, and ones that were broken on purpose. */

export interface Body {
  type: string;
  bytes: Buffer;
}

const PROGRAMS = [
  'print("hello")',
  'import sys; sys.exit(3)',
  'raise SystemExit("no")',
  'import os; open(os.environ["JOB_OUTPUT_DIR"] + "/a b.txt", "w").write("x" * 1000)',
  'import os\nfor i in range(3): open(os.environ["JOB_OUTPUT_DIR"] + f"/{i}.html", "w").write("<b>")',
  'print("\\r\\ndata: forged\\n\\nevent: end\\n")',
  'this is no python',
  '',
];

const fileName = fc.oneof(
  { weight: 6, arbitrary: fc.constant('main.py') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'pkg/mod.py',
      'a b.py',
      'é.py',
      './main.py',
      '..',
      '.',
      '/abs.py',
      '../up.py',
      'a//b',
      'a\\b',
      'x'.repeat(256),
      '',
    ),
  },
  { weight: 1, arbitrary: text },
);

interface Part {
  name: string;
  filename: string | undefined;
  content: Buffer;
}

const escaped = (name: string): string => name.replace(/"/g, '%22').replace(/[\r\n]/g, ' ');

function encoded(parts: readonly Part[], boundary: string): Buffer {
  const pieces = parts.map(({ name, filename, content }) => {
    const file = filename === undefined ? '' : `; filename="${escaped(filename)}"`;
    return Buffer.concat([
      Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${escaped(name)}"${file}\r\n\r\n`),
      content,
      Buffer.from('\r\n'),
    ]);
  });
  return Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]);
}

/** Small jobs, or they would take too long to run. */
const CALM = { timeout_sec: 2, mem_limit_mb: 128 };

const specText = (spec: JsonSchema): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 6, arbitrary: fields(spec.properties ?? {}).map((value) => JSON.stringify({ ...CALM, ...value })) },
    { weight: 4, arbitrary: fc.constant(JSON.stringify(CALM)) },
    { weight: 1, arbitrary: valueOf({}).map((value) => JSON.stringify(value) ?? '') },
    { weight: 1, arbitrary: text },
  );

const parts = (spec: JsonSchema): fc.Arbitrary<Part[]> =>
  fc
    .tuple(
      fc.array(specText(spec), { minLength: 1, maxLength: 1 }),
      fc.array(fc.record({ filename: fileName, content: fc.constantFrom(...PROGRAMS) }), { minLength: 1, maxLength: 3 }),
      fc.array(fc.record({ filename: fileName, content: text }), { maxLength: 2 }),
      fc.option(
        fc.record({
          name: fc.oneof(text, fc.constantFrom('spec', 'code_files')),
          filename: fc.option(fileName, { nil: undefined }),
          content: text,
        }),
        {
          nil: undefined,
          freq: 6,
        },
      ),
    )
    .map(([specs, code, input, odd]) => [
      ...specs.map((content) => ({ name: 'spec', filename: undefined, content: Buffer.from(content) })),
      ...code.map(({ filename, content }) => ({ name: 'code_files', filename, content: Buffer.from(content) })),
      ...input.map(({ filename, content }) => ({ name: 'input_files', filename, content: Buffer.from(content) })),
      ...(odd === undefined ? [] : [{ ...odd, content: Buffer.from(odd.content) }]),
    ]);

type Breaking = (bytes: Buffer, at: number, other: number) => Buffer;

const BREAKINGS: Breaking[] = [
  (bytes, at) => bytes.subarray(0, at),
  (bytes, at) => bytes.subarray(at),
  (bytes, at, other) => Buffer.concat([bytes.subarray(0, Math.min(at, other)), bytes.subarray(Math.max(at, other))]),
  (bytes, at, other) =>
    Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.min(at, other), Math.max(at, other)), bytes.subarray(at)]),
  (bytes, at, other) => {
    const copy = Buffer.from(bytes);
    if (copy.length > 0) copy[at % copy.length] = other % 256;
    return copy;
  },
  (bytes, at) => Buffer.concat([bytes.subarray(0, at), Buffer.from('\r\n--x\r\n'), bytes.subarray(at)]),
  (bytes, at) => Buffer.concat([bytes.subarray(0, at), Buffer.from('\r\n\r\n'), bytes.subarray(at)]),
  (bytes, at) => Buffer.concat([bytes.subarray(0, at), Buffer.alloc(20_000, 'h'), bytes.subarray(at)]),
  (bytes) => Buffer.from(bytes.toString('latin1').replaceAll('\r\n', '\n'), 'latin1'),
  (bytes) => Buffer.from(bytes.toString('latin1').replaceAll('form-data', 'attachment'), 'latin1'),
  (bytes) => Buffer.from(bytes.toString('latin1').replaceAll('filename=', "filename*=UTF-8''"), 'latin1'),
  (bytes) => Buffer.from(bytes.toString('latin1').replaceAll('\r\n\r\n', '\r\nContent-Transfer-Encoding: base64\r\n\r\n'), 'latin1'),
  (bytes) =>
    Buffer.from(bytes.toString('latin1').replaceAll('\r\n\r\n', '\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n'), 'latin1'),
];

const TYPES = [
  'multipart/form-data',
  'multipart/form-data; boundary=',
  'multipart/form-data; boundary=other',
  `multipart/form-data; boundary=${'b'.repeat(300)}`,
  'multipart/form-data; boundary="x',
  'multipart/form-data; boundary=x; boundary=y; charset=utf-7',
  'multipart/mixed; boundary=x',
  'MULTIPART/FORM-DATA; BOUNDARY=x',
  'application/json',
  'application/x-www-form-urlencoded',
  'text/plain',
  '',
];

/** A form for the schema of its part `spec`. */
export const form = (spec: JsonSchema): fc.Arbitrary<Body> =>
  parts(spec).chain((all) => {
    const whole = encoded(all, 'x');
    const place = fc.nat({ max: whole.length });
    const broken = fc.tuple(fc.constantFrom(...BREAKINGS), place, place).map(([breaking, at, other]) => breaking(whole, at, other));
    return fc.record({
      type: fc.oneof(
        { weight: 9, arbitrary: fc.constant('multipart/form-data; boundary=x') },
        { weight: 1, arbitrary: fc.constantFrom(...TYPES) },
      ),
      bytes: fc.oneof({ weight: 3, arbitrary: fc.constant(whole) }, { weight: 2, arbitrary: broken }),
    });
  });
