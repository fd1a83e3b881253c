import { replaceDraft } from './draft.ts';
import { EXAMPLES, type Example } from './examples.ts';

const open = ({ code, settings }: Example): void => replaceDraft([{ path: 'main.py', text: code }], [], settings);

/** One for each example; it takes the place of the program, and then `onOpen` is called. */
export function ExampleButtons({ class: name, onOpen }: { class?: string; onOpen(): void }) {
  return (
    <ul class={name}>
      {EXAMPLES.map((example) => (
        <li key={example.name}>
          <button
            type="button"
            onClick={() => {
              open(example);
              onOpen();
            }}
          >
            <strong>{example.name}</strong>
            <span class="faint">{example.about}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
