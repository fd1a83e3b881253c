import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { text } from './runs.contract.ts';
import type { SandboxSuite } from './suite.contract.ts';

const MIB = 1024 * 1024;

export function collecting(t: SandboxSuite): void {
  describe('files', () => {
    it('collects regular files only, following nothing', async () => {
      const result = await t.run(`import os, socket
os.chdir(os.environ["JOB_OUTPUT_DIR"])
open("good", "w").write("good")
os.symlink("/etc/shadow", "link")
os.symlink("/etc", "folder-link")
os.mkfifo("fifo")
socket.socket(socket.AF_UNIX).bind("socket")
os.link("good", "hard") if False else None`);
      expect(result.files).toEqual({ good: 'good' });
      expect(result.leftOut.map((what) => what.name).toSorted()).toEqual(['fifo', 'folder-link', 'link', 'socket']);
    });

    it('hands out a file’s content as often as somebody opens it', async () => {
      const { running } = await t.begin(`import os
os.chdir(os.environ["JOB_OUTPUT_DIR"])
open("large", "w").write("large" * 500_000)
open("small", "w").write("small")`);
      for await (const _ of running.output) continue;
      await running.ended;
      const read: Record<string, string[]> = {};
      for await (const { name, open } of running.collect({ maxFiles: 4, maxDepth: 8, maxBytes: 4 * MIB, maxMs: 10_000 }, () => undefined))
        read[name] = [await text(open()), await text(open())];
      await running.dispose();
      expect(read).toEqual({ small: ['small', 'small'], large: ['large'.repeat(500_000), 'large'.repeat(500_000)] });
    });

    it('collects what a writable workspace gained or changed, and leaves the upload as it was', async () => {
      const program = 'open("plot.png", "w").write("png"); open("data/old.txt", "a").write("+"); open("same.txt", "w").write("same")';
      const { running, run: spec } = await t.begin(program, {
        workspace: 'writable',
        files: { 'data/old.txt': 'old', 'same.txt': 'same', 'untouched.txt': 'x' },
      });
      let said = '';
      for await (const chunk of running.output) said += chunk.bytes.toString();
      expect(said).toBe('');
      const files: Record<string, string> = {};
      await running.ended;
      for await (const file of running.collect({ maxFiles: 100, maxDepth: 8, maxBytes: MIB, maxMs: 10_000 }, () => undefined))
        files[file.name] = await text(file.open());
      await running.dispose();
      expect(files).toEqual({ 'plot.png': 'png', 'data/old.txt': 'old+' });
      expect(await readFile(join(spec.codeDir, 'data/old.txt'), 'utf8')).toBe('old');
    });
  });

  it('holds the bounds of collecting over the output and a writable workspace together', async () => {
    const program = 'import os\nfor i in range(3): open(f"{os.environ[\'JOB_OUTPUT_DIR\']}/o{i}", "w").close(); open(f"w{i}", "w").close()';
    const { running } = await t.begin(program, { workspace: 'writable' });
    for await (const _ of running.output) continue;
    await running.ended;
    const names: string[] = [];
    for await (const file of running.collect({ maxFiles: 4, maxDepth: 8, maxBytes: MIB, maxMs: 10_000 }, () => undefined))
      names.push(file.name);
    await running.dispose();
    expect(names).toHaveLength(4);
  });
}
