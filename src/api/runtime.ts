import { z } from 'zod';

export const runtime = z.object({
  name: z.string(),
  version: z.string(),
  default: z.boolean(),
  state: z.enum(['ready', 'preparing', 'failed']),
  packages: z.record(z.string(), z.string()).describe('Main packages and their versions'),
});
export const runtimeList = z.object({ runtimes: z.array(runtime) });
export type RuntimeView = z.infer<typeof runtime>;
