import type { ServerContext } from '@modelcontextprotocol/server';

/** A busy program must not drown its client. */
const AT_MOST_EVERY_MS = 250;
const MAX_MESSAGE_CHARS = 200;

/** Tells a client that asked for it how far a call has come: by the last line that was printed. */
export function createProgress({ mcpReq }: ServerContext): { tell(message: string): Promise<void> } {
  const progressToken = mcpReq._meta?.progressToken;
  let told = 0;
  let toldAt = -Infinity;
  return {
    async tell(message) {
      if (progressToken === undefined || performance.now() - toldAt < AT_MOST_EVERY_MS) return;
      toldAt = performance.now();
      told += 1;
      await mcpReq.notify({
        method: 'notifications/progress',
        params: { progressToken, progress: told, message: message === '' ? 'running' : message.slice(0, MAX_MESSAGE_CHARS) },
      });
    },
  };
}
