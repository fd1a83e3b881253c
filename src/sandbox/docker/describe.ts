import { StartError } from '../../errors.ts';
import type { Sandbox } from '../sandbox.ts';
import type { Connection } from './connect.ts';
import { findImage, probeImage, type ImageDescription } from './image.ts';
import type { Networks } from './networks.ts';

/** What is in the way of an image's networks may have been taken away by then. */
const TRY_AGAIN_MS = 60_000;

export type Describe = (engine: Connection & { networks: Networks }, image: string) => Promise<ImageDescription | undefined>;

/** Remembers what each image has for jobs, by its content; the first asking is a trial run. */
export function createDescribe(start: Sandbox['start']): Describe {
  const described = new Map<string, { description: ImageDescription; at: number }>();

  return async (engine, image) => {
    const { networks, podman } = engine;
    const found = await findImage(engine, image);
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
      const command = podman ? 'podman' : 'docker';
      throw new StartError(
        `Jobs can’t run in ${image}: ${error instanceof Error ? error.message : String(error)}`,
        `see what \`${command} info\` says of the engine’s limits, and \`${command} run --rm IMAGE python3 -V\` of the image`,
        error,
      );
    }
  };
}
