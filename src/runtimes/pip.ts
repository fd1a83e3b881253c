import { access, mkdir, readdir, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { compareVersions } from './discover.ts';
import { DEBIAN_PACKAGES } from './debian.ts';
import type { HostInterpreter } from './runtime.ts';

/** Debian's wheels, which its venv module installs from (package python3-pip-whl). */
const DEBIAN_WHEELS = '/usr/share/python-wheels';
const WHEEL = /^pip-(?<version>[\d.]+)-py\S+\.whl$/;

const wheelVersion = (path: string): string => WHEEL.exec(basename(path))?.groups?.['version'] ?? '0';

async function wheelsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => WHEEL.test(name)).map((name) => join(folder, name));
}

/** An interpreter's own copy, made for venv. */
const bundled = ({ prefix, series }: HostInterpreter): Promise<string[]> =>
  wheelsIn(join(prefix, 'lib', `python${series}`, 'ensurepip', '_bundled'));

async function installed({ prefix, series }: HostInterpreter): Promise<string[]> {
  const folders = [join(prefix, 'lib', `python${series}`, 'site-packages'), ...(prefix === '/usr' ? [DEBIAN_PACKAGES] : [])];
  const found = await Promise.all(
    folders.map((folder) =>
      access(join(folder, 'pip', '__main__.py')).then(
        () => [folder],
        () => [],
      ),
    ),
  );
  return found.flat();
}

/**
 * A pip that this interpreter can run: a wheel, or a folder that holds the package. pip is plain Python and runs from
 * anywhere, so an interpreter without one (Debian's, without python3-venv) borrows another's. Its own comes first, for
 * a pip fits only some series; of the others' the newest.
 */
export async function findPip(interpreter: HostInterpreter, others: readonly HostInterpreter[]): Promise<string | undefined> {
  const own = [...(await bundled(interpreter)), ...(await installed(interpreter))][0];
  if (own !== undefined) return own;
  const wheels = [...(await wheelsIn(DEBIAN_WHEELS)), ...(await Promise.all(others.map(bundled))).flat()];
  const newest = wheels.toSorted((a, b) => compareVersions(wheelVersion(b), wheelVersion(a)))[0];
  return newest ?? (await Promise.all(others.map(installed))).flat()[0];
}

/** What to hand to the interpreter so that it runs this pip, and nothing else of the folder where it lies. */
export async function pipProgram(pip: string, workDir: string): Promise<string> {
  if (WHEEL.test(basename(pip))) return join(pip, 'pip');
  // pip adds the folder that it lies in to sys.path, and would take what it finds there for installed.
  const alone = join(workDir, 'pip');
  await mkdir(alone);
  await symlink(join(pip, 'pip'), join(alone, 'pip'));
  return join(alone, 'pip');
}
