import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { HostInterpreter } from '../../runtimes/runtime.ts';

/** What fork servers import ahead, from the file of a runtime: a server for each section, which imports those above it as well. */
export interface Section {
  names: readonly string[];
  /** Of the standard library, which every interpreter has. */
  library: boolean;
  /** Matches source that mentions one of its packages. */
  mention: RegExp;
}

/** Sections begin with their title in brackets; then a name a line; `#` begins a remark. */
export function parseSections(text: string): Section[] {
  const sections: { title: string; names: string[] }[] = [];
  for (const line of text.split('\n').map((each) => each.replace(/#.*/, '').trim())) {
    if (/^\[.*\]$/.test(line)) sections.push({ title: line.slice(1, -1), names: [] });
    else if (line !== '') sections.at(-1)?.names.push(line);
  }
  return sections.map(({ title, names }) => ({
    names,
    library: title.startsWith('standard library'),
    mention: new RegExp(`\\b(?:${[...new Set(names.map(packageOf))].join('|')})\\b`),
  }));
}

/** All that the server of a section imports. */
export const importsOf = (sections: readonly Section[], index: number): string[] =>
  sections.slice(0, index + 1).flatMap(({ names }) => names);

/** How much of a program is looked at. Whatever is overlooked, the program imports by itself. */
const MAX_FILES = 20;
const MAX_BYTES = 256 * 1024;

export const packageOf = (name: string): string => name.replace(/\..*/, '');

const isInstalled = ({ prefix, venv, series }: HostInterpreter, name: string): boolean =>
  [...(venv === undefined ? [] : [join(venv, 'lib')]), join(prefix, 'lib')].some((lib) =>
    [`python${series}/site-packages`, 'python3/dist-packages'].some((folder) => existsSync(join(lib, folder, packageOf(name)))),
  );

/** The sections that make a difference with an interpreter: those of the library, and those of which it has at least one package. */
export const sectionsFor = (interpreter: HostInterpreter, sections: readonly Section[]): number[] =>
  sections.flatMap(({ library, names }, index) => (library || names.some((name) => isInstalled(interpreter, name)) ? [index] : []));

/** The source of a program, as far as it says what is imported. */
function sourceOf(codeDir: string, entry: string): string {
  const beside = readdirSync(codeDir).filter((name) => name.endsWith('.py') && name !== entry);
  return [entry, ...beside.slice(0, MAX_FILES - 1)]
    .map((name) => join(codeDir, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true)
    .map((path) => readFileSync(path, 'latin1').slice(0, MAX_BYTES))
    .join('\n');
}

/** The last of the `possible` sections that a program's files mention a package of; the first when they mention none. */
export function sectionNeeded(codeDir: string, entry: string, sections: readonly Section[], possible: readonly number[]): number {
  const source = sourceOf(codeDir, entry);
  return possible.findLast((index) => index > 0 && sections[index]?.mention.test(source)) ?? 0;
}
