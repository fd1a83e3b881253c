import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { nodeToUse } from './node.mjs';
import { stop } from './say.mjs';

/** Below this, compressing saves less than the header that tells of it. */
const WORTHWHILE_BYTES = 512;

/** Builds console/ into a folder, each file beside its compressed forms, so that the service never compresses. */
export function buildConsole(into) {
  const vite = ['node_modules/vite/bin/vite.js', 'build', '--config', 'console/vite.config.ts', '--outDir', resolve(into)];
  const { status } = spawnSync(nodeToUse(), vite, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) stop('The console could not be built; what the bundler said stands above.', 'mend it, then try again');
  for (const folder of [into, join(into, 'assets')]) {
    for (const path of readdirSync(folder).map((name) => join(folder, name))) if (statSync(path).isFile()) compress(path);
  }
}

function compress(path) {
  const bytes = readFileSync(path);
  if (bytes.length < WORTHWHILE_BYTES) return;
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
  writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }));
}
