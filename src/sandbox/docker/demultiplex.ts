/** One of the engine's frames around what a container's first process says (Engine API, "Stream format" of attach). */
export interface Part {
  /** 1 is standard output, 2 is standard error. */
  stream: number;
  bytes: Buffer;
}

const HEAD_BYTES = 8;

/** Cuts an attached connection's bytes into parts as they come: never waits for a whole frame, which may be of any length. */
export function createDemultiplexer(): (bytes: Buffer) => Part[] {
  let head: Buffer = Buffer.alloc(0);
  let stream = 0;
  let left = 0;
  return (bytes) => {
    const parts: Part[] = [];
    let rest = bytes;
    while (rest.length > 0) {
      if (left > 0) {
        const part = rest.subarray(0, left);
        parts.push({ stream, bytes: part });
        left -= part.length;
        rest = rest.subarray(part.length);
        continue;
      }
      const missing = HEAD_BYTES - head.length;
      head = Buffer.concat([head, rest.subarray(0, missing)]);
      rest = rest.subarray(missing);
      if (head.length < HEAD_BYTES) break;
      stream = head.readUInt8(0);
      left = head.readUInt32BE(4);
      head = Buffer.alloc(0);
    }
    return parts;
  };
}
