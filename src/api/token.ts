import { z } from 'zod';

/** Answer of POST /jobs/{id}/token. */
export const jobToken = z.object({
  token: z.string().describe('For ?token= on GET requests below /jobs/{id}'),
  expires_at: z.iso.datetime().describe('Streams that are open by then go on'),
});
