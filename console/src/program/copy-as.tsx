import { useEffect, useRef, useState } from 'preact/hooks';
import { apiKey, base } from '../connection.ts';
import { IconButton } from '../icon-button.tsx';
import { Icon } from '../icon.tsx';
import { copyText } from '../results/download.ts';
import { LANGUAGES, snippetOf, type Language, type Program } from './snippets.ts';

/** A window with the program as command and code. */
export function CopyAs({ program, label = 'Copy as' }: { program: () => Program; label?: string }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [language, setLanguage] = useState<Language>('curl');
  const [shown, setShown] = useState<Program>();
  const [isCopied, setCopied] = useState(false);
  useEffect(() => setCopied(false), [language, shown]);

  const text = shown === undefined ? '' : snippetOf(language, shown, { url: base.href.replace(/\/$/, ''), needsKey: apiKey.value !== '' });
  const needsFiles = shown !== undefined && [...shown.code, ...shown.input].some((file) => !('text' in file) || shown.code.length > 1);
  return (
    <>
      <button
        type="button"
        class="small-button"
        onClick={() => {
          setShown(program());
          dialog.current?.showModal();
        }}
      >
        <Icon name="code" /> {label}
      </button>
      <dialog ref={dialog} class="dialog copy-as" aria-label="The program as a command or code" onClose={() => setShown(undefined)}>
        <header>
          <div class="segments" role="group" aria-label="As">
            {LANGUAGES.map((each) => (
              <button key={each} type="button" aria-pressed={each === language} onClick={() => setLanguage(each)}>
                {each}
              </button>
            ))}
          </div>
          <span class="spacer" />
          <IconButton icon="close" label="Close" onClick={() => dialog.current?.close()} />
        </header>
        <pre tabIndex={0} role="region" aria-label={`As ${language}`}>
          {text}
        </pre>
        <footer>
          <span class="faint">
            {needsFiles && (language === 'curl' || language === 'CLI') ? 'Run it in the folder that has the files.' : ''}
          </span>
          <span class="spacer" />
          <button type="button" class="button is-primary" onClick={() => void copyText(text).then(setCopied)}>
            <Icon name={isCopied ? 'check' : 'copy'} /> {isCopied ? 'Copied' : 'Copy'}
          </button>
        </footer>
      </dialog>
    </>
  );
}
