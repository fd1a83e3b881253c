import { expect, it } from 'vitest';
import { StartError } from '../errors.ts';
import { chooseDefault } from './choose-default.ts';

const choose = (names: string[], wishes: Partial<Parameters<typeof chooseDefault>[1]> = {}): string =>
  chooseDefault(names, { defaultRuntime: undefined, aliases: {}, searchPath: undefined, ...wishes });

it('prefers python3.12', () => {
  expect(choose(['python3.14', 'python3.12', 'python3.11'])).toBe('python3.12');
});

it('takes the newest where there is no python3.12', () => {
  expect(choose(['python3.14', 'python3.11'])).toBe('python3.14');
});

it('takes the one that is asked for', () => {
  expect(choose(['python3.12', 'python3.11'], { defaultRuntime: 'python3.11' })).toBe('python3.11');
});

it('understands an alias as the one that is asked for', () => {
  expect(choose(['python3.12', 'python3.11'], { defaultRuntime: 'stable', aliases: { stable: 'python3.11' } })).toBe('python3.11');
});

it.each([
  ['there is no interpreter', [], {}, 'no Python 3.9 or newer on this machine', 'apt-get install'],
  ['there is none in the folders to search', [], { searchPath: ['/opt/here'] }, 'in /opt/here', 'apt-get install'],
  ['the one that is asked for is not there', ['python3.11'], { defaultRuntime: 'python3.14' }, 'DEFAULT_RUNTIME=python3.14', 'python3.11'],
  ['an alias leads nowhere', ['python3.11'], { aliases: { 'python3.12': 'python3.13' } }, 'python3.12 onto python3.13', 'python3.11'],
])('refuses to start when %s, and says what would do', (_when, names, wishes, problem, remedy) => {
  const error = expect.objectContaining({ message: expect.stringContaining(problem), remedy: expect.stringContaining(remedy) });
  expect(() => choose(names, wishes)).toThrow(StartError);
  expect(() => choose(names, wishes)).toThrow(error);
});
