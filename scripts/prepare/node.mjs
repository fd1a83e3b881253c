import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root, stop } from './say.mjs';

/** The Node that everything runs on: the one that comes with the packages, else this one if it is new enough. */
export function nodeToUse() {
  const own = join(root, `node_modules/node-linux-${process.arch}/bin/node`);
  if (existsSync(own)) return own;
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 18)) return process.execPath;
  return stop(
    `Node ${process.versions.node} is too old, and for ${process.platform} on ${process.arch} the packages bring no newer one.`,
    'install Node 24, then try again',
  );
}
