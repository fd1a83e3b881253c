import * as fc from 'fast-check';
import type { Session } from './session.ts';
import type { Api } from './openapi.ts';
import { rawShots, shots, type RawShot, type Shot } from './shots.ts';

/** So many at once. */
const VOLLEY = 8;

export interface BarrageOptions {
  requests: number;
  seed: number;
  /** Looks for the smallest volley that goes wrong: of use against a service that is still there. */
  shrinks: boolean;
  /** Hears of each volley's end. */
  onVolley?: (fired: number) => void | Promise<void>;
}

const shown = (value: string): string => (value.length > 400 ? `${value.slice(0, 400)}… (${value.length})` : value);

/** Told in words that can be read, and sent again. */
function readable<T extends Shot | RawShot>(shot: T): T {
  const words = (): string =>
    isRaw(shot)
      ? shown(JSON.stringify(shot.bytes.toString('latin1')))
      : shown(JSON.stringify({ ...shot, body: shot.body && { type: shot.body.type, text: shot.body.bytes.toString('latin1') } }));
  return Object.defineProperty(shot, fc.toStringMethod, { value: words });
}

const isRaw = (shot: Shot | RawShot): shot is RawShot => 'bytes' in shot;

/** Fires so many requests, eight at a time. Throws with the smallest volley that goes wrong, and with the seed that makes it again. */
export async function barrage(session: Session, api: Api, { requests, seed, shrinks, onVolley }: BarrageOptions): Promise<void> {
  let fired = 0;
  const volley = fc.array(
    fc.oneof<fc.WeightedArbitrary<Shot | RawShot>[]>(
      { weight: 19, arbitrary: shots(api).map(readable) },
      { weight: 1, arbitrary: rawShots.map(readable) },
    ),
    { minLength: VOLLEY, maxLength: VOLLEY },
  );
  await fc.assert(
    fc.asyncProperty(volley, async (all) => {
      await Promise.all(all.map((shot) => (isRaw(shot) ? session.fireRaw(shot) : session.fire(shot))));
      fired += all.length;
      await onVolley?.(fired);
    }),
    { numRuns: Math.ceil(requests / VOLLEY), seed, endOnFailure: !shrinks },
  );
}
