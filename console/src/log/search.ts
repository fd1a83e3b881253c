import { plain, type Line } from './lines.ts';

/** Case matters only when the query has a capital, as editors do it. */
const smartCase = (query: string): boolean => query !== query.toLowerCase();

/** Finds a text in a log that grows: what was looked through once is not looked through again. */
export function createSearch(query: string) {
  const exact = smartCase(query);
  const hits: number[] = [];
  let seen = 0;
  return {
    query,
    exact,
    /** Numbers of the lines that have it. */
    hits,
    /** The last line may still change, and is looked at again. */
    update(lines: readonly Line[]): void {
      if (query === '') return;
      while (hits.length > 0 && (hits.at(-1) ?? 0) >= seen) hits.pop();
      for (let index = seen; index < lines.length; index++) {
        const text = plain(lines[index]?.text ?? '');
        if ((exact ? text : text.toLowerCase()).includes(query)) hits.push(index);
      }
      seen = Math.max(0, lines.length - 1);
    },
  };
}
export type Search = ReturnType<typeof createSearch>;

/** Marks a search's words in what is drawn, without a change to it (CSS Custom Highlight API); browsers without mark the lines only. */
export function markIn(root: HTMLElement, { query, exact }: Search): void {
  if (!('highlights' in CSS)) return;
  CSS.highlights.delete('found');
  if (query === '') return;
  const ranges: Range[] = [];
  for (const row of root.querySelectorAll('[data-text]')) {
    const walker = document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
    const nodes: { node: Text; start: number }[] = [];
    let text = '';
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      nodes.push({ node: node as Text, start: text.length });
      text += node.nodeValue ?? '';
    }
    const place = (offset: number): [Text, number] | undefined => {
      const found = nodes.findLast(({ start }) => start <= offset);
      return found === undefined ? undefined : [found.node, offset - found.start];
    };
    const searched = exact ? text : text.toLowerCase();
    for (let at = searched.indexOf(query); at !== -1; at = searched.indexOf(query, at + query.length)) {
      const [from, to] = [place(at), place(at + query.length)];
      if (from === undefined || to === undefined) continue;
      const range = new Range();
      range.setStart(...from);
      range.setEnd(...to);
      ranges.push(range);
    }
  }
  CSS.highlights.set('found', new Highlight(...ranges));
}
