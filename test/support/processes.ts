import { readdir, readFile } from 'node:fs/promises';

/** This machine's processes that have a word in their command lines, as `pid command line`. */
export async function processesWith(word: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map(async (pid) => `${pid} ${await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')}`));
  return lines.filter((line) => line.includes(word));
}
