import { z } from 'zod';
import { jobSpec, MAX_SPEC_ENTRIES, type JobSpec, type SpecLimits } from '../api/spec.ts';
import type { FieldError } from '../errors.ts';

export type ParsedSpec =
  | { ok: true; spec: JobSpec; /** The fields that we know, as they were sent. */ sent: Record<string, unknown> }
  | { ok: false; errors: FieldError[] };

const bad = (pointer: string, detail: string): ParsedSpec => ({ ok: false, errors: [{ pointer, detail }] });

/** JSON pointer (RFC 6901) below `/spec`. */
const pointerOf = (path: readonly PropertyKey[]): string =>
  ['/spec', ...path.map((part) => String(part).replaceAll('~', '~0').replaceAll('/', '~1'))].join('/');

function detailOf(issue: z.core.$ZodIssue): string {
  // The rule that a name of a record breaks says more than that it breaks one.
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? issue.message;
  return issue.message;
}

/** Of alternatives, the one that what was sent comes closest to: its problems lie deeper than that it is none of them. */
function deepest(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  const closest = issue.code === 'invalid_union' ? issue.errors.find((branch) => branch.some(({ path }) => path.length > 0)) : undefined;
  return closest?.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] })) ?? [issue];
}

const entriesOf = (field: unknown): number => (typeof field === 'object' && field !== null ? Object.keys(field).length : 0);

/** Reads the part `spec`: every problem at once, each with a pointer into the form. */
export function createSpecParser(limits: SpecLimits): (text: string | undefined) => ParsedSpec {
  const schema = jobSpec(limits);
  const fields = Object.keys(schema.shape);
  const known = new Set(fields);
  return (text) => {
    if (text === undefined) return bad('/spec', 'is missing');
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return bad('/spec', 'is not valid JSON');
    }
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return bad('/spec', 'is not a JSON object');
    const sent = Object.fromEntries(Object.entries(value).filter(([name]) => known.has(name)));
    // While a megabyte of wrong arguments is looked at one by one, everybody else would wait.
    const crowded = fields.filter((name) => entriesOf(sent[name]) > MAX_SPEC_ENTRIES);
    if (crowded.length > 0) {
      return {
        ok: false,
        errors: crowded.map((name) => ({ pointer: pointerOf([name]), detail: `has more than ${MAX_SPEC_ENTRIES} entries` })),
      };
    }
    const parsed = schema.safeParse(sent);
    if (parsed.success) return { ok: true, spec: parsed.data, sent };
    return {
      ok: false,
      errors: parsed.error.issues.flatMap(deepest).map((issue) => ({ pointer: pointerOf(issue.path), detail: detailOf(issue) })),
    };
  };
}
