import type { OutputFile } from '../../artifacts/artifacts.ts';
import { problemOfPath } from '../../artifacts/path.ts';
import { errnoOf } from '../../errors.ts';
import { printableName, problemOfName } from '../file-name.ts';
import { createTeller } from '../left-out.ts';
import type { CollectBounds, LeftOut } from '../sandbox.ts';
import { REPORT, type Frame } from './frames.ts';
import { createSpool, SpoolError, type Spool } from './spool.ts';

const SIZE_BYTES = 8;

/**
 * The files that the init sends. It has walked what a hostile program left, and obeys the bounds; that its names may name artifacts,
 * and once more that the bounds are held, is seen to here. A file can be read only until the next one is asked for.
 */
export async function* collectFrames(
  frames: AsyncGenerator<Frame>,
  bounds: CollectBounds,
  leftOut: (what: LeftOut) => void,
): AsyncGenerator<OutputFile> {
  const spool = createSpool();
  try {
    yield* filesIn(frames, bounds, leftOut, spool);
  } finally {
    await spool.close();
  }
}

async function* filesIn(
  frames: AsyncGenerator<Frame>,
  bounds: CollectBounds,
  leftOut: (what: LeftOut) => void,
  spool: Spool,
): AsyncGenerator<OutputFile> {
  const { tell, tellRest } = createTeller(leftOut);
  let files = 0;
  let bytes = 0;

  async function* content(size: number): AsyncGenerator<Buffer> {
    for (let left = size; left > 0;) {
      const { value, done } = await frames.next();
      if (done === true || value.kind !== REPORT.data || value.payload.length > left) throw new Error('a file came short');
      left -= value.payload.length;
      yield value.payload;
    }
  }

  for (;;) {
    const next = await frames.next();
    if (next.done === true) throw new Error('the files ended without an end');
    const { kind, payload } = next.value;
    if (kind === REPORT.end) {
      const { beyond, timeIsUp } = JSON.parse(payload.toString('utf8')) as { beyond: number; timeIsUp: boolean };
      if (timeIsUp) leftOut({ name: 'everything else', reason: `collecting took longer than ${bounds.maxMs} ms` });
      if (beyond > 0)
        leftOut({ name: beyond === 1 ? '1 more file' : `${beyond} more files`, reason: `no more than ${bounds.maxFiles} are kept` });
      return tellRest();
    }
    if (kind === REPORT.leftOut) {
      const end = payload.indexOf(0);
      tell(printableName(payload.subarray(0, end)), payload.subarray(end + 1).toString('utf8'));
      continue;
    }
    if (kind !== REPORT.file) throw new Error(`the init sent ${kind} among files`);
    const name = payload.subarray(SIZE_BYTES);
    const size = Number(payload.readBigUInt64BE(0));
    files += 1;
    bytes += size;
    if (files > bounds.maxFiles || bytes > bounds.maxBytes) throw new Error('the init sent more than it was asked for');
    const problem = problemOfName(name) ?? problemOfPath(name.toString());
    if (problem !== undefined) {
      for await (const _ of content(size)) continue;
      tell(printableName(name), problem);
      continue;
    }
    try {
      yield { name: name.toString(), size, open: await spool.take(content(size), size) };
    } catch (error) {
      if (!(error instanceof SpoolError)) throw error;
      tell(printableName(name), `can't be kept (${errnoOf(error.cause) ?? String(error.cause)})`);
    }
  }
}
