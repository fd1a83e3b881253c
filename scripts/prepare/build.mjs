import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildConsole } from './console.mjs';
import { nodeToUse } from './node.mjs';
import { step, stop } from './say.mjs';

const SOURCES = ['src', 'console', 'tsconfig.json', 'tsconfig.build.json'];
const STAMP = '.built-from';
/** Beside dist/, so that the paths in source maps hold. */
const NEXT = '.dist-next';
const PREVIOUS = '.dist-previous';

function filesBelow(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesBelow(join(path, name)));
}

/** Changes whenever a source appears, goes or is written: a newest date alone would miss those that went. */
function fingerprint() {
  const hash = createHash('sha256');
  for (const file of SOURCES.flatMap(filesBelow)) {
    const { size, mtimeMs } = statSync(file);
    hash.update(`${file}\0${size}\0${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

export function buildIsCurrent() {
  const stamp = join('dist', STAMP);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint();
}

/** Compiles src/ and bundles console/ to dist/, which is replaced as a whole: a service that starts meanwhile never finds half of it. */
export function build() {
  step('Building', () => {
    const builtFrom = fingerprint();
    for (const folder of [NEXT, PREVIOUS]) rmSync(folder, { recursive: true, force: true });
    const tsc = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--outDir', NEXT];
    const { status } = spawnSync(nodeToUse(), tsc, { stdio: ['ignore', 'inherit', 'inherit'] });
    if (status !== 0) stop('The build failed; what the compiler said stands above.', 'mend it, then try again');
    buildConsole(join(NEXT, 'console'));
    writeFileSync(join(NEXT, STAMP), builtFrom);
    if (existsSync('dist')) renameSync('dist', PREVIOUS);
    renameSync(NEXT, 'dist');
    rmSync(PREVIOUS, { recursive: true, force: true });
  });
}
