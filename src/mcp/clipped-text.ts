/** A text of which only the beginning and the end are kept, for readers who can't take it all. */
export interface ClippedText {
  add(text: string): void;
  toString(): string;
}

export function clippedText(maxChars: number): ClippedText {
  const half = Math.floor(maxChars / 2);
  let head = '';
  let tail = '';
  let leftOut = 0;
  return {
    add(text) {
      const room = half - head.length;
      head += text.slice(0, room);
      tail += text.slice(room);
      if (tail.length > half) {
        leftOut += tail.length - half;
        tail = tail.slice(-half);
      }
    },
    toString: () => (leftOut === 0 ? head + tail : `${head}\n… ${leftOut} characters left out …\n${tail}`),
  };
}
