import type { Duplex } from 'node:stream';

/** The line to the keeper of a job's network: libexec/job-network.pl, which tells the form of its frames, or a container's gateway.py. */
export interface Channel {
  /** Hands rules to nft. Rejects with what nft said, or when the keeper is gone. */
  apply(script: string): Promise<void>;
  answer(question: number, message: Buffer | undefined): void;
}

const MAX_FRAME = 70_000;
const HEAD = 9;

function frameOf(type: string, number: number, bytes: Buffer): Buffer {
  const head = Buffer.alloc(HEAD);
  head.writeUInt32BE(5 + bytes.length, 0);
  head.write(type, 4, 'latin1');
  head.writeUInt32BE(number, 5);
  return Buffer.concat([head, bytes]);
}

/** Says that somebody is there, to a keeper that ends when it hears nothing. */
export const SIGN_OF_LIFE = frameOf('P', 0, Buffer.alloc(0));

/** `ask` hears the job's DNS messages; each must be answered, be it with nothing. */
export function openChannel(socket: Duplex, ask: (question: number, message: Buffer, byTcp: boolean) => void): Channel {
  const results = new Map<number, (said: string) => void>();
  let serial = 0;
  let received: Buffer = Buffer.alloc(0);

  const send = (type: string, number: number, bytes: Buffer): void => {
    if (socket.writable) socket.write(frameOf(type, number, bytes));
  };
  const hear = (type: string, number: number, bytes: Buffer): void => {
    if (type === 'Q' && bytes.length > 0) ask(number, bytes.subarray(1), bytes[0] === 1);
    else if (type === 'R') results.get(number)?.(bytes.toString());
  };
  socket.on('data', (part: Buffer) => {
    received = received.length === 0 ? part : Buffer.concat([received, part]);
    while (received.length >= HEAD) {
      const length = 4 + received.readUInt32BE(0);
      // The keeper sits beside a stranger's program: it is believed as little.
      if (length < HEAD || length > MAX_FRAME) return void socket.destroy();
      if (received.length < length) return;
      const frame = received.subarray(0, length);
      received = received.subarray(length);
      hear(frame.toString('latin1', 4, 5), frame.readUInt32BE(5), frame.subarray(HEAD));
    }
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    for (const settle of results.values()) settle('the keeper of the network is gone');
  });

  return {
    apply(script) {
      const number = ++serial;
      return new Promise((resolve, reject) => {
        if (socket.destroyed) return reject(new Error('the keeper of the network is gone'));
        results.set(number, (said) => {
          results.delete(number);
          if (said === '') resolve();
          else reject(new Error(`nft: ${said}`));
        });
        send('A', number, Buffer.from(script));
      });
    },
    answer: (question, message) => send('W', question, message ?? Buffer.alloc(0)),
  };
}
