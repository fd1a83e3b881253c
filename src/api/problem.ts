import { z } from 'zod';

/** RFC 9457 problem details, with our `code` and, for validation, `errors`. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  instance: z.string(),
  code: z.string().describe('Machine-readable name of the error'),
  errors: z.array(z.object({ pointer: z.string().describe('JSON pointer into the form'), detail: z.string() })).optional(),
});
export type Problem = z.infer<typeof problem>;
