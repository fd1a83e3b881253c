import { AnsiUp } from 'ansi_up';
import { plain, type Line } from './lines.ts';

/** A line's HTML, escaped by ansi_up; undefined when it is plain. Links that a program prints are its text, no links. */
export function htmlOf({ text, carry }: Line): string | undefined {
  if (carry === '' && !text.includes('\x1b')) return undefined;
  const ansi = new AnsiUp();
  ansi.use_classes = true;
  ansi.url_allowlist = {};
  // ansi_up keeps an unfinished sequence for later; there is no later. Sequences that are no colours it leaves out.
  const html = ansi.ansi_to_html(carry + text);
  return html === '' && plain(text) !== '' ? undefined : html;
}
