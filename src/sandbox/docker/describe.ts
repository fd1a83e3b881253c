import { StartError } from '../../errors.ts';
import type { Sandbox } from '../sandbox.ts';
import type { EngineClient } from './client.ts';
import { findImage, probeImage, type ImageDescription } from './image.ts';
import type { Networks } from './networks.ts';

/** What is in the way of an image's networks may have been taken away by then. */
const TRY_AGAIN_MS = 60_000;

export type Describe = (engine: { client: EngineClient; networks: Networks }, image: string) => Promise<ImageDescription | undefined>;

/** Remembers what each image has for jobs, by its content; the first asking is a trial run. */
export function createDescribe(start: Sandbox['start']): Describe {
  const described = new Map<string, { description: ImageDescription; at: number }>();

  return async ({ client, networks }, image) => {
    const found = await findImage(client, image);
    if (found === undefined) return undefined;
    const known = described.get(found.image);
    const isFinal = known?.description.noNetwork === undefined || performance.now() - known.at < TRY_AGAIN_MS;
    if (known !== undefined && isFinal) return known.description;
    try {
      const { noNetwork: _, ...probed } = known?.description ?? (await probeImage(start, found));
      const noNetwork = await networks.tryOut(start, probed.interpreter, image);
      const description = noNetwork === undefined ? probed : { ...probed, noNetwork };
      described.set(found.image, { description, at: performance.now() });
      return description;
    } catch (error) {
      throw new StartError(
        `Jobs can’t run in ${image}: ${error instanceof Error ? error.message : String(error)}`,
        'see what `docker info` says of the engine’s limits, and `docker run --rm IMAGE python3 -V` of the image',
        error,
      );
    }
  };
}
