import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import type { Artifact, Client } from '../client/client.ts';
import { saveArtifact } from '../client/node.ts';
import { withService, type GlobalOptions } from './connect.ts';
import { CliFailure } from './failure.ts';
import { findJob } from './find-job.ts';
import { bytesInWords, print, printJson, say, table, write } from './terminal.ts';

interface GetOptions {
  out: string;
  zip?: string;
}

export function addArtifacts(program: Command): void {
  const artifacts = program
    .command('artifacts')
    .summary('list and fetch what jobs made')
    .description('Lists and fetches the files that a job left in its output folder.')
    .addHelpText(
      'after',
      '\nExamples:\n  job-runner artifacts ls 019a0b1c2d3e\n  job-runner artifacts get 019a0b1c2d3e --out results\n  job-runner artifacts get 019a0b1c2d3e data.csv --out - | head',
    );

  artifacts
    .command('ls')
    .summary('list them')
    .description('Lists the files that a job made.')
    .argument('<job>', 'its id, or the beginning of it')
    .action(async (given: string, _options: object, command: Command) => {
      const { json = false } = command.optsWithGlobals<GlobalOptions>();
      await withService(command, async ({ client }) => {
        const files = await client.artifacts(await findJob(client, given));
        if (json) await printJson(files);
        else if (files.length === 0) say('It made no files.');
        else
          await print(
            table(
              ['SIZE', 'TYPE', 'NAME'],
              files.map(({ size, content_type: type, name }) => [bytesInWords(size), type, name]),
            ),
          );
      });
    });

  artifacts
    .command('get')
    .summary('fetch them')
    .description('Fetches the files that a job made: all of them, or those that are named.')
    .argument('<job>', 'its id, or the beginning of it')
    .argument('[names...]', 'names as `ls` shows them')
    .option('-o, --out <folder>', 'where to put them; - for standard output', '.')
    .option('--zip <file>', 'all of them in one zip file instead')
    .action(async (given: string, names: string[], { out, zip }: GetOptions, command: Command) => {
      const { json = false } = command.optsWithGlobals<GlobalOptions>();
      await withService(command, async ({ client }) => {
        const id = await findJob(client, given);
        if (zip !== undefined) return saveZip(client, id, zip);
        const wanted = chosen(await client.artifacts(id), names);
        if (out === '-') return printAll(client, id, wanted);
        if (wanted.length === 0) say('It made no files.');
        for (const artifact of wanted) {
          const path = await saveArtifact(client, id, artifact, out);
          await (json ? printJson({ name: artifact.name, path }) : print(path));
        }
      });
    });
}

function chosen(all: Artifact[], names: string[]): Artifact[] {
  if (names.length === 0) return all;
  return names.map((name) => {
    const artifact = all.find((each) => each.name === name);
    if (artifact === undefined) throw new CliFailure(`The job made no file ${name}.`, 'job-runner artifacts ls lists what it made');
    return artifact;
  });
}

async function saveZip(client: Client, id: string, path: string): Promise<void> {
  const { body } = await client.zip(id);
  await pipeline(Readable.from(body ?? []), createWriteStream(path));
  await print(path);
}

async function printAll(client: Client, id: string, artifacts: Artifact[]): Promise<void> {
  for (const { name } of artifacts) {
    const { body } = await client.artifact(id, name);
    for await (const chunk of body ?? []) await write(process.stdout, chunk);
  }
}
