import { once } from 'node:events';
import { styleText } from 'node:util';

/** Writes, and waits while the reader doesn't read. */
export async function write(stream: NodeJS.WriteStream, text: string | Uint8Array): Promise<void> {
  if (!stream.write(text) && !stream.destroyed) await once(stream, 'drain');
}

/** A line for people. On stderr: stdout is what was asked for. */
export const say = (line: string): void => void process.stderr.write(`${line}\n`);

export const print = (text: string): Promise<void> => write(process.stdout, text.endsWith('\n') ? text : `${text}\n`);
export const printJson = (value: unknown): Promise<void> => print(JSON.stringify(value));

type Style = Parameters<typeof styleText>[0];

/** Styled where the stream is a terminal, and nobody asked for no colours (NO_COLOR). */
export const styled = (style: Style, text: string, stream: NodeJS.WriteStream = process.stdout): string =>
  styleText(style, text, { stream });

// oxlint-disable-next-line no-control-regex -- the escape sequences are what it is about
const ESCAPES = /\u001b\[[0-9;]*m/g;
const widthOf = (cell: string): number => cell.replace(ESCAPES, '').length;

/** Columns under headings; the last one is as long as it is. */
export function table(headings: string[], rows: string[][]): string {
  const lines = [headings.map((heading) => styled('dim', heading)), ...rows];
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => widthOf(line[column] ?? ''))));
  const padded = (line: string[]): string =>
    line.map((cell, column) => (column === line.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell)))).join('  ');
  return lines.map((line) => padded(line).trimEnd()).join('\n');
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function bytesInWords(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), UNITS.length - 1);
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[power]}`;
}

export function durationInWords(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}
