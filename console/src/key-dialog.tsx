import { useEffect, useRef, useState } from 'preact/hooks';
import { apiKey, keyWanted } from './connection.ts';
import { loadSchema } from './schema.ts';
import { lookAtService } from './service-state.ts';

/** Asks for the key when the service wants one; it stays in this browser. */
export function KeyDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState('');
  const wanted = keyWanted.value;
  useEffect(() => {
    if (wanted !== undefined && dialog.current?.open === false) dialog.current.showModal();
    if (wanted === undefined) dialog.current?.close();
  }, [wanted]);
  // Not when it is closed: that is told later, and a refusal may have come by then.
  const notNow = (): void => {
    keyWanted.value = undefined;
  };
  return (
    <dialog ref={dialog} class="dialog key-dialog" aria-labelledby="key-title" onCancel={notNow}>
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault();
          apiKey.value = text.trim();
          keyWanted.value = undefined;
          setText('');
          void lookAtService();
          void loadSchema();
        }}
      >
        <h2 id="key-title">{wanted === 'refused' ? 'This key does not work' : 'An API key, please'}</h2>
        <p>
          {wanted === 'refused'
            ? 'The service has refused the key that it was sent. It may have been removed, or mistyped. '
            : 'This service is not open to everybody. '}
          Whoever runs it can make you one with <code>job-runner keys</code>. It stays in this browser.
        </p>
        <label for="api-key">API key</label>
        <input
          id="api-key"
          type="password"
          autocomplete="off"
          required
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <footer>
          {apiKey.value !== '' && (
            <button type="button" class="button" onClick={() => (apiKey.value = '')}>
              Forget the old one
            </button>
          )}
          <span class="spacer" />
          <button type="button" class="button" onClick={notNow}>
            Not now
          </button>
          <button type="submit" class="button is-primary">
            Use this key
          </button>
        </footer>
      </form>
    </dialog>
  );
}
