import { closeBrackets, closeBracketsKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentLess, indentMore } from '@codemirror/commands';
import { python } from '@codemirror/lang-python';
import { bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { EditorState, type Extension } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  placeholder,
} from '@codemirror/view';
import { highlight, theme } from './highlight.ts';

export interface Editor {
  /** Shows a file; its own undo history comes back with it. */
  show(path: string, text: string): void;
  focus(): void;
  destroy(): void;
}

interface Listener {
  onChange(path: string, text: string): void;
  onRun(): void;
}

/** Tab indents; Escape, then Tab, leaves, so that the keyboard alone gets everywhere (WCAG 2.1.2). CodeMirror does the second by itself. */
const INDENT = [{ key: 'Tab', run: indentMore, shift: indentLess }];

/**
 * An editor in a shadow of its own: there its rules are adopted style sheets, which the page's policy allows, while it
 * forbids style elements.
 */
export function createEditor(host: HTMLElement, { onChange, onRun }: Listener): Editor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
  const states = new Map<string, EditorState>();
  let path = '';

  const run = (): boolean => {
    onRun();
    return true;
  };
  const extensions = (of: string): Extension => [
    lineNumbers(),
    highlightActiveLineGutter(),
    highlightActiveLine(),
    highlightSpecialChars(),
    history(),
    drawSelection(),
    indentOnInput(),
    bracketMatching(),
    closeBrackets(),
    indentUnit.of('    '),
    syntaxHighlighting(highlight),
    theme,
    placeholder('print("Hello")'),
    /\.pyi?$/.test(of) || !of.includes('.') ? python() : [],
    keymap.of([{ key: 'Mod-Enter', run, preventDefault: true }, ...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...INDENT]),
    EditorView.contentAttributes.of({
      'aria-label': `${of}, code. Escape, then Tab, leaves the editor.`,
      spellcheck: 'false',
      // It can be focused as it is; this says so to those who look for it.
      tabindex: '0',
    }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) onChange(path, update.state.doc.toString());
    }),
  ];

  const view = new EditorView({ parent: root as unknown as Element, root });
  return {
    show(next, text) {
      if (path !== '') states.set(path, view.state);
      path = next;
      const known = states.get(next);
      const state = known?.doc.toString() === text ? known : EditorState.create({ doc: text, extensions: extensions(next) });
      view.setState(state);
    },
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  };
}
