import type { ServerContext } from '@modelcontextprotocol/server';

/** A busy program must not drown its client. */
const AT_MOST_EVERY_MS = 250;
const MAX_MESSAGE_CHARS = 200;

export interface Progress {
  /** The newest line; of many in a short time only the last is told. */
  tell(message: string): void;
  end(): void;
}

/** Tells a client that asked for it how far a call has come: by the last line that was printed. */
export function createProgress({ mcpReq }: ServerContext): Progress {
  const progressToken = mcpReq._meta?.progressToken;
  let progress = 0;
  let toldAt = -Infinity;
  let newest: string | undefined;
  let timer: NodeJS.Timeout | undefined;

  const send = (): void => {
    timer = undefined;
    if (progressToken === undefined || newest === undefined) return;
    const message = newest.slice(0, MAX_MESSAGE_CHARS);
    newest = undefined;
    toldAt = performance.now();
    progress += 1;
    // Whoever has gone hears nothing, and that is all.
    mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, message } }).catch(() => undefined);
  };
  return {
    tell(message) {
      newest = message;
      timer ??= setTimeout(send, Math.max(0, toldAt + AT_MOST_EVERY_MS - performance.now()));
    },
    end: () => clearTimeout(timer),
  };
}
