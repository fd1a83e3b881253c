import type { Command } from 'commander';
import { withService, type GlobalOptions } from './connect.ts';
import { print, printJson, styled, table } from './terminal.ts';

export function addRuntimes(program: Command): void {
  program
    .command('runtimes')
    .summary('list what programs can run on')
    .description('Lists the interpreters that jobs can run on, the default first.')
    .action(async (_options: object, command: Command) => {
      const { json = false } = command.optsWithGlobals<GlobalOptions>();
      await withService(command, async ({ client }) => {
        const runtimes = await client.runtimes();
        if (json) return printJson(runtimes);
        const rows = runtimes.map(({ name, version, state, packages, default: isDefault }) => [
          isDefault ? styled('bold', name) : name,
          version,
          styled(state === 'ready' ? 'green' : 'yellow', state),
          Object.entries(packages)
            .map((pair) => pair.join(' '))
            .join(', '),
        ]);
        await print(table(['RUNTIME', 'VERSION', 'STATE', 'PACKAGES'], rows));
      });
    });
}
