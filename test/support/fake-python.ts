import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface FakePython {
  version: string;
  implementation?: string;
  releaseLevel?: string;
  abiFlags?: string;
  /** Packages that look installed, such as `pandas-3.1.1`. */
  packages?: string[];
  /** Shell lines that run before it answers anything; `$@` is what it was called with. */
  first?: string;
}

/** A program at `<prefix>/bin/python3.x` that answers like an interpreter of that version, and can do nothing else. */
export async function fakePython(prefix: string, fake: FakePython): Promise<string> {
  const series = fake.version.split('.').slice(0, 2).join('.');
  const path = join(prefix, 'bin', `python${series}`);
  const answers = [fake.implementation ?? 'cpython', fake.releaseLevel ?? 'final', fake.version, prefix, path, fake.abiFlags ?? ''];
  await mkdir(join(prefix, 'bin'), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${fake.first ?? ''}\nprintf '%s\\n' ${answers.map((answer) => `'${answer}'`).join(' ')}\n`);
  await chmod(path, 0o755);
  for (const name of fake.packages ?? []) {
    await mkdir(join(prefix, 'lib', `python${series}`, 'site-packages', `${name}.dist-info`), { recursive: true });
  }
  return path;
}
