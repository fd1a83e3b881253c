import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Mitigation } from './mitigations.ts';

const ROOT = join(import.meta.dirname, '../..');
const COPIED = ['src', 'test', 'libexec', 'runtimes', 'package.json', 'Dockerfile.exec'];

/** The file without the mitigation. Throws when it is not found exactly once, for then nothing would be taken away. */
export function taken({ what, file, from, to }: Mitigation, text: string): string {
  const parts = text.split(from);
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} places for: ${what}`);
  return parts.join(to);
}

/** What an attack comes to in a copy of this project that lacks one mitigation: nothing, when it is held all the same. */
export async function resultWithout(mitigation: Mitigation): Promise<string[]> {
  const copy = await mkdtemp(join(tmpdir(), 'without-'));
  try {
    for (const name of COPIED) await cp(join(ROOT, name), join(copy, name), { recursive: true });
    await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    const path = join(copy, mitigation.file);
    await writeFile(path, taken(mitigation, await readFile(path, 'utf8')));
    const { stdout } = await promisify(execFile)(process.execPath, [
      join(copy, 'test/attacks/one.ts'),
      mitigation.driver,
      mitigation.attack,
    ]);
    return JSON.parse(stdout) as string[];
  } finally {
    // Without a namespace for them they are left on this host.
    await promisify(execFile)('ipcrm', ['-M', '0x1234', '-S', '0x1234', '-Q', '0x1234']).catch(() => undefined);
    await rm(copy, { recursive: true, force: true });
  }
}
