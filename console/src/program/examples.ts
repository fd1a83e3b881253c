import args from '../examples/arguments.py?raw';
import files from '../examples/files.py?raw';
import plot from '../examples/plot.py?raw';
import progress from '../examples/progress.py?raw';
import report from '../examples/report.py?raw';
import table from '../examples/table.py?raw';
import type { Settings } from './settings.ts';

export interface Example {
  name: string;
  about: string;
  code: string;
  settings?: Partial<Settings>;
}

export const EXAMPLES: readonly Example[] = [
  { name: 'Draw a plot', about: 'numpy and matplotlib', code: plot },
  { name: 'Sum up a table', about: 'pandas to CSV and JSON', code: table },
  { name: 'Read your files', about: 'drop them, count their rows', code: files },
  { name: 'Watch progress', about: 'colours, bars, errors', code: progress },
  {
    name: 'Pass arguments',
    about: 'environment and input, too',
    code: args,
    settings: { args: ['--name', 'Ada Lovelace'], env: [['GREETING', 'hello']], stdin: 'typed ahead of time' },
  },
  { name: 'Make a page', about: 'HTML, shown in a sandbox', code: report },
];
