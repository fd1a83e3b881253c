import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { snippetOf } from '../../console/src/program/snippets.ts';
import { freshSettings } from '../../console/src/program/settings.ts';
import { createClient } from '../../src/client/client.ts';
import { SAMPLE_ID, SAMPLE_URL, SAMPLES } from '../../src/http/openapi-samples.ts';
import { exampleFolder, type ExampleFolder } from '../support/example-folder.ts';
import { serviceHome, type RunningService, type ServiceHome } from '../support/service.ts';

let home: ServiceHome;
let service: RunningService;
let folder: ExampleFolder;
beforeAll(async () => {
  home = await serviceHome();
  service = await home.start();
  folder = await exampleFolder();
});
afterAll(async () => {
  await home?.close();
  await folder?.close();
});

/** A finished job with a result, for an example to be about. */
async function job(): Promise<string> {
  const { job } = await createClient({ url: service.url }).run({
    code: 'open("result.csv", "w").write("a,b\\n1,2\\n"); print("made")',
    workspace: 'writable',
  });
  return job.id;
}

describe('examples of the API’s description', () => {
  it('are there for every operation', async () => {
    const { paths } = (await (await fetch(`${service.url}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, { operationId: string; 'x-codeSamples'?: { lang: string }[] }>>;
    };
    const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
    expect(operations.length).toBeGreaterThan(10);
    for (const operation of operations) {
      expect([operation.operationId, operation['x-codeSamples']?.map(({ lang }) => lang)]).toEqual([
        operation.operationId,
        ['bash', 'ts', 'python'],
      ]);
    }
  });

  it.each(Object.keys(SAMPLES))('of %s work in each language', async (name) => {
    const sample = SAMPLES[name];
    for (const [language, code] of [
      ['bash', sample?.curl],
      ['ts', sample?.typescript],
      ['python', sample?.python],
    ] as const) {
      const own = (code ?? '').replaceAll(SAMPLE_URL, service.url);
      const printed = await folder.run(language, own.includes(SAMPLE_ID) ? own.replaceAll(SAMPLE_ID, await job()) : own);
      expect(printed).not.toBe('');
      // curl is content with whatever it gets.
      expect(printed).not.toContain('"code":"');
    }
  });
});

describe('what the console copies', () => {
  const WORDS = `it's "quoted" $HOME \`tick\` \\n é`;
  const program = {
    code: [
      {
        path: 'main.py',
        text: `import os, sys\nprint(sys.argv[1:], sys.stdin.read(), os.environ["WORDS"])\nprint("""PY\n\${x}""", '\\\\')\n`,
      },
    ],
    input: [],
    settings: {
      ...freshSettings(),
      args: [WORDS, '--flag'],
      stdin: 'given ahead',
      env: [['WORDS', WORDS]] as [string, string][],
      labels: [['from', 'console']] as [string, string][],
      limits: { timeout_sec: '20', cpu_limit: '0.5' },
    },
  };

  it.each([
    ['curl', 'bash'],
    ['CLI', 'bash'],
    ['Python', 'python'],
    ['TypeScript', 'ts'],
  ] as const)('as %s runs the same program, whatever is in it', async (as, language) => {
    await folder.run(language, snippetOf(as, program, { url: service.url, needsKey: false }));
    const [made] = (await createClient({ url: service.url }).list({ label: 'from=console', limit: 1 })).jobs;
    expect(made).toMatchObject({
      status: 'succeeded',
      spec: { args: [WORDS, '--flag'], stdin: 'given ahead', env: { WORDS }, timeout_sec: 20, cpu_limit: 0.5, workspace: 'writable' },
    });
    expect(await createClient({ url: service.url }).logs(made?.id ?? '')).toContain('given ahead');
  });
});
