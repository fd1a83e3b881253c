import { InvalidArgumentError, type Command } from 'commander';
import { createKey, revokeKeys } from '../keys/edit.ts';
import { LIMIT_NAMES, limitFields, ownerName, readKeyFile, type KeyFile } from '../keys/key-file.ts';
import { idOf } from '../keys/secret.ts';
import type { GlobalOptions } from './connect.ts';
import { readEnvironment } from './environment.ts';
import { CliFailure } from './failure.ts';
import { print, printJson, say, table } from './terminal.ts';

interface FileOption {
  file?: string;
}

type Limits = NonNullable<KeyFile[string]['limits']>;

/** `name=value`, of those that the file knows. */
function limit(text: string, before: Limits = {}): Limits {
  const [name = '', value = ''] = text.split('=');
  const parsed = limitFields.partial().safeParse({ [name]: /^\d{1,15}$/.test(value) ? Number(value) : value });
  if (!parsed.success) throw new InvalidArgumentError(`It is one of ${LIMIT_NAMES.join(', ')}, with a whole number: max_queued=100`);
  return { ...before, ...parsed.data };
}

function name(text: string): string {
  const parsed = ownerName.safeParse(text);
  if (!parsed.success) throw new InvalidArgumentError(`${parsed.error.issues[0]?.message}.`);
  return parsed.data;
}

function fileOf({ file }: FileOption): string {
  const path = file ?? readEnvironment().keysFile;
  if (path === undefined) throw new CliFailure('Which file of keys?', 'set API_KEYS_FILE as for the service, or give --file');
  return path;
}

const FILE = ['--file <path>', 'the file of keys (API_KEYS_FILE)'] as const;

export function addKeys(program: Command): void {
  const keys = program
    .command('keys')
    .summary('make and revoke API keys')
    .description('Makes, lists and revokes the keys that open a service. A running service takes changes over within a second.')
    .addHelpText(
      'after',
      '\nExamples:\n  export API_KEYS_FILE=/etc/job-runner/keys.json\n  job-runner keys create alice\n  job-runner keys create ci --limit jobs_per_minute=60 --limit max_running=2\n  job-runner keys revoke alice',
    );

  keys
    .command('create')
    .summary('make one')
    .description(
      'Makes a key and prints it, this once: the file keeps only its hash. An owner may have several keys, and the jobs are the owner’s.',
    )
    .argument('<name>', 'whose', name)
    .option('-l, --limit <name=value>', `a limit of the owner’s, 0 for none: ${LIMIT_NAMES.join(', ')}; may be repeated`, limit)
    .option(...FILE)
    .action(async (owner: string, options: FileOption & { limit?: Limits }, command: Command) => {
      const file = fileOf(options);
      const { id, secret } = await createKey(file, owner, options.limit ?? {});
      if (command.optsWithGlobals<GlobalOptions>().json === true) await printJson({ owner, id, key: secret });
      else {
        await print(secret);
        say(`This is the only time it is shown. ${file} has its hash, under ${id}.`);
      }
    });

  keys
    .command('list')
    .alias('ls')
    .summary('list them')
    .description('Lists owners, the ids of their keys, and their limits.')
    .option(...FILE)
    .action(async (options: FileOption, command: Command) => {
      const owners = Object.entries(await readKeyFile(fileOf(options)));
      const rows = owners.flatMap(([owner, { keys: theirs, limits = {} }]) =>
        theirs.map(({ sha256, created_at }) => ({ owner, id: idOf(sha256), created_at: created_at ?? null, limits })),
      );
      if (command.optsWithGlobals<GlobalOptions>().json === true) for (const row of rows) await printJson(row);
      else if (rows.length === 0) say('There are no keys.');
      else
        await print(
          table(
            ['OWNER', 'KEY', 'CREATED', 'LIMITS'],
            rows.map(({ owner, id, created_at, limits }) => [
              owner,
              id,
              created_at?.slice(0, 10) ?? '',
              Object.entries(limits)
                .map((pair) => pair.join('='))
                .join(' '),
            ]),
          ),
        );
    });

  keys
    .command('revoke')
    .alias('rm')
    .summary('revoke them')
    .description('Revokes a key by its id, or all keys of an owner by the name. Jobs stay, for the owner’s next key.')
    .argument('<id or name>', 'as `list` shows them')
    .option(...FILE)
    .action(async (which: string, options: FileOption, command: Command) => {
      const revoked = await revokeKeys(fileOf(options), which);
      if (revoked.length === 0)
        throw new CliFailure(`There is no key ${which}, nor an owner with keys.`, '`job-runner keys list` shows them');
      if (command.optsWithGlobals<GlobalOptions>().json === true) for (const id of revoked) await printJson({ id });
      else say(`Revoked: ${revoked.join(', ')}`);
    });
}
