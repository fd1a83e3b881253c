import type { LogEvent } from '../../../src/client/client.ts';

/** A line as it is seen: what a terminal would show after all that was written to it. */
export interface Line {
  seq: number;
  at: string;
  stream: LogEvent['type'];
  /** With its colours, without its end. */
  text: string;
  /** Colours that lines before have switched on and not off. */
  carry: string;
  /** More may come: it has not ended yet. */
  isOpen: boolean;
}

// Escape sequences begin with a control character: the rule takes them for a slip.
// eslint-disable-next-line no-control-regex
const ANSI = /\x1b(?:\[[0-9;?:]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])/g;
// As above.
// eslint-disable-next-line no-control-regex
const COLOUR = /\x1b\[([0-9;:]*)m/g;
const MAX_CARRY = 200;

export const plain = (text: string): string => (text.includes('\x1b') ? text.replace(ANSI, '') : text);

/** A carriage return goes back to the line's beginning; what was written then is what is seen. */
export function afterReturns(text: string): string {
  if (!text.includes('\r')) return text;
  const parts = text.split('\r');
  for (let index = parts.length - 1; index >= 0; index--) if (plain(parts[index] ?? '') !== '') return parts[index] ?? '';
  return '';
}

/** Which colours are on after a text. */
function carryAfter(carry: string, text: string): string {
  let on = carry;
  for (const [sequence, codes = ''] of text.matchAll(COLOUR)) on = /^0*$/.test(codes) ? '' : on + sequence;
  return on.length > MAX_CARRY ? on.slice(on.lastIndexOf('\x1b')) : on;
}

/** The lines of a log, put together from its entries. Changes are counted, for whoever draws it. */
export class Lines {
  readonly all: Line[] = [];
  /** Sequence number of the last entry. */
  last = 0;
  #carry = '';

  get length(): number {
    return this.all.length;
  }

  append(events: readonly LogEvent[]): void {
    for (const { seq, at, type, text } of events) {
      if (seq <= this.last) continue;
      this.last = seq;
      this.#add(seq, at, type, text);
    }
  }

  #add(seq: number, at: string, stream: Line['stream'], entry: string): void {
    const isOpen = !entry.endsWith('\n');
    const text = isOpen ? entry : entry.slice(0, -1);
    const previous = this.all.at(-1);
    // A progress bar comes bit by bit: each goes on in the line that the one before began.
    if (previous?.isOpen === true && previous.stream === stream && stream !== 'runner') {
      const whole = afterReturns(previous.text + text);
      this.all[this.all.length - 1] = { ...previous, at, text: whole, isOpen };
      if (!isOpen && whole.includes('\x1b')) this.#carry = carryAfter(previous.carry, whole);
      return;
    }
    if (previous?.isOpen === true) this.all[this.all.length - 1] = { ...previous, isOpen: false };
    // The runner speaks in its own voice.
    if (stream === 'runner') this.#carry = '';
    const shown = afterReturns(text);
    this.all.push({ seq, at, stream, text: shown, carry: this.#carry, isOpen });
    if (!isOpen && shown.includes('\x1b')) this.#carry = carryAfter(this.#carry, shown);
  }
}
