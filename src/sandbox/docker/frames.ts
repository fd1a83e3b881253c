/** What the service and the init of a container say to one another: a letter, a length in four bytes, and as much payload (frames.py). */

/** The service's. */
export const ORDER = {
  setUp: 's',
  give: 'g',
  folder: 'm',
  open: 'o',
  data: 'd',
  warm: 'w',
  run: 'r',
  kill: 'k',
  collect: 'c',
  ping: 'p',
} as const;

/** The init's. */
export const REPORT = { message: 'M', stdout: 'O', stderr: 'E', file: 'F', data: 'd', leftOut: 'X', end: 'Z' } as const;

export interface Frame {
  kind: string;
  payload: Buffer;
}

const HEAD_BYTES = 5;
/** No frame of the init's is nearly as long. */
const MAX_PAYLOAD_BYTES = 1024 * 1024;

export function encodeFrame(kind: string, payload: Buffer | string | object = ''): Buffer {
  const bytes = Buffer.isBuffer(payload) ? payload : Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload));
  const head = Buffer.alloc(HEAD_BYTES);
  head.write(kind, 'latin1');
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/** Cuts what comes in into frames. Throws for what no init of ours says. */
export function createFrameReader(): (bytes: Buffer) => Frame[] {
  let rest: Buffer = Buffer.alloc(0);
  return (bytes) => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    const frames: Frame[] = [];
    while (rest.length >= HEAD_BYTES) {
      const length = rest.readUInt32BE(1);
      if (length > MAX_PAYLOAD_BYTES) throw new Error(`a container sent a frame of ${length} bytes`);
      if (rest.length < HEAD_BYTES + length) break;
      frames.push({ kind: String.fromCharCode(rest.readUInt8(0)), payload: rest.subarray(HEAD_BYTES, HEAD_BYTES + length) });
      rest = rest.subarray(HEAD_BYTES + length);
    }
    return frames;
  };
}
