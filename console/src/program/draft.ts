import { computed, effect, signal } from '@preact/signals';
import { stored } from '../stored.ts';
import { freshSettings, type CodeFile, type InputFile, type Settings } from './settings.ts';
import plot from '../examples/plot.py?raw';

/** The program that one is writing: its files and how it is to run. */

interface Draft {
  files: { path: string; text: string }[];
  settings: Settings;
}

const isDraft = (value: unknown): value is Draft =>
  typeof value === 'object' &&
  value !== null &&
  'files' in value &&
  Array.isArray(value.files) &&
  value.files.length > 0 &&
  'settings' in value;

/** Texts and settings outlive a reload; dropped files can't. */
const kept = stored<Draft>('draft', { files: [{ path: 'main.py', text: plot }], settings: freshSettings() }, isDraft);

export const codeFiles = signal<CodeFile[]>(kept.peek().files);
export const inputFiles = signal<InputFile[]>([]);
export const settings = signal<Settings>({ ...freshSettings(), ...kept.peek().settings });
export const activePath = signal(kept.peek().files[0]?.path ?? 'main.py');
/** Counts up when the editor has to show something that was not typed into it. */
export const revision = signal(0);

export const activeFile = computed(() => codeFiles.value.find((file) => file.path === activePath.value) ?? codeFiles.value[0]);
export const entryPath = computed(() => settings.value.entry || 'main.py');

effect(() => {
  const files = codeFiles.value.filter((file) => 'text' in file);
  kept.value = { files, settings: settings.value };
});

export function change(more: Partial<Settings>): void {
  settings.value = { ...settings.value, ...more };
}

export function edit(path: string, text: string): void {
  codeFiles.value = codeFiles.value.map((file) => (file.path === path ? { path, text } : file));
}

const withFile = <F extends { path: string }>(files: F[], added: F): F[] => [...files.filter(({ path }) => path !== added.path), added];

export function addCode(added: CodeFile[]): void {
  let files = codeFiles.value;
  for (const file of added) {
    // What is there keeps its place.
    files = files.some(({ path }) => path === file.path) ? files.map((each) => (each.path === file.path ? file : each)) : [...files, file];
  }
  codeFiles.value = files;
  revision.value++;
}

export function removeCode(path: string): void {
  codeFiles.value = codeFiles.value.filter((file) => file.path !== path);
  if (codeFiles.value.length === 0) codeFiles.value = [{ path: 'main.py', text: '' }];
  if (activePath.value === path) activePath.value = codeFiles.value[0]?.path ?? 'main.py';
  revision.value++;
}

export function addInputs(added: InputFile[]): void {
  for (const file of added) inputFiles.value = withFile(inputFiles.value, file);
}

export function removeInput(path: string): void {
  inputFiles.value = inputFiles.value.filter((file) => file.path !== path);
}

/** Puts another program in the place of the one that is there. */
export function replaceDraft(files: CodeFile[], inputs: InputFile[], more: Partial<Settings> = {}): void {
  codeFiles.value = files.length === 0 ? [{ path: 'main.py', text: '' }] : files;
  inputFiles.value = inputs;
  settings.value = { ...freshSettings(), ...more };
  activePath.value = codeFiles.value.find(({ path }) => path === entryPath.value)?.path ?? codeFiles.value[0]?.path ?? 'main.py';
  revision.value++;
}

export function newFile(): void {
  const taken = new Set(codeFiles.value.map(({ path }) => path));
  let number = 1;
  while (taken.has(`module${number}.py`)) number++;
  addCode([{ path: `module${number}.py`, text: '' }]);
  activePath.value = `module${number}.py`;
}

/** Resolves with why not, when it can't be called so. */
export function renameCode(from: string, to: string): string | undefined {
  const path = to.trim().replace(/^\.?\/+/, '');
  if (path === '' || path.split('/').some((part) => part === '' || part === '.' || part === '..')) return 'must be a relative path';
  if (path !== from && codeFiles.value.some((file) => file.path === path)) return 'there is such a file already';
  codeFiles.value = codeFiles.value.map((file) => (file.path === from ? { ...file, path } : file));
  if (activePath.value === from) activePath.value = path;
  if (settings.value.entry === from) change({ entry: path });
  revision.value++;
  return undefined;
}
