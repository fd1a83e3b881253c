import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { ArtifactsUnderTest } from './contract/artifacts-under-test.contract.ts';
import { createDiskArtifacts } from './disk.ts';

/** The driver on a folder of its own. */
export async function openDiskArtifacts(): Promise<ArtifactsUnderTest & { dir: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'disk-artifacts-'));
  const open = async () => {
    const artifacts = createDiskArtifacts({ dir });
    await artifacts.check();
    return artifacts;
  };
  const under = {
    dir,
    artifacts: await open(),
    async stored() {
      const entries = await readdir(dir, { recursive: true, withFileTypes: true });
      const paths = entries.map((entry) => relative(dir, join(entry.parentPath, entry.name)));
      return paths.filter((path) => path !== 'staging' && path !== 'keeping').sort();
    },
    async reopen() {
      under.artifacts = await open();
      return under.artifacts;
    },
    close: () => rm(dir, { recursive: true, force: true }),
  };
  return under;
}
