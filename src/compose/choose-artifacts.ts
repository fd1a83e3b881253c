import { join } from 'node:path';
import type { Artifacts } from '../artifacts/artifacts.ts';
import { createDiskArtifacts } from '../artifacts/disk.ts';
import type { Config } from '../config.ts';

/** Where files are kept, as the configuration names it; not yet checked. */
export async function chooseArtifacts(config: Config): Promise<Artifacts> {
  return createDiskArtifacts({ dir: join(config.dataDir, 'files') });
}
