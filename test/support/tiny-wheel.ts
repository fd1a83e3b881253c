import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemPython } from './system-python.ts';

/** A package as pip installs it, `tiny` 1.0, in a folder that stands in for PyPI: PIP_FIND_LINKS with PIP_NO_INDEX. */
export async function tinyWheel(folder: string): Promise<void> {
  const metadata = join(folder, 'tiny-1.0.dist-info');
  await mkdir(metadata, { recursive: true });
  await writeFile(join(folder, 'tiny.py'), 'answer = 42\n');
  await writeFile(join(metadata, 'METADATA'), 'Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n');
  await writeFile(join(metadata, 'WHEEL'), 'Wheel-Version: 1.0\nGenerator: by-hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n');
  await writeFile(
    join(metadata, 'RECORD'),
    'tiny.py,,\ntiny-1.0.dist-info/METADATA,,\ntiny-1.0.dist-info/WHEEL,,\ntiny-1.0.dist-info/RECORD,,\n',
  );
  const { executable } = await systemPython();
  const zip = ['-m', 'zipfile', '-c', 'tiny-1.0-py3-none-any.whl', 'tiny.py', 'tiny-1.0.dist-info/'];
  await promisify(execFile)(executable, zip, { cwd: folder });
}
