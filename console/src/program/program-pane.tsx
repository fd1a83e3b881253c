import { useRef } from 'preact/hooks';
import { ProgramEditor } from '../editor/editor.tsx';
import { FilesPanel } from '../files/files-panel.tsx';
import { FileTabs } from '../files/tabs.tsx';
import { Field } from '../form/field.tsx';
import { problems } from '../form/problems.ts';
import { SettingsForm, settingsInWords } from '../form/settings-form.tsx';
import { Icon } from '../icon.tsx';
import { runtimes } from '../service-state.ts';
import { plural } from '../words.ts';
import { CopyAs } from './copy-as.tsx';
import { change, codeFiles, inputFiles, settings } from './draft.ts';
import { ExampleButtons } from './example-buttons.tsx';
import { isSubmitting, run } from './run.ts';

const isMac = navigator.platform.startsWith('Mac');

/** The program and how it is to run. */
export function ProgramPane() {
  const { general, fields } = problems.value;
  const wrong = Object.keys(fields).length;
  return (
    <form
      class="program"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void run();
      }}
    >
      <div class="pane-head">
        <FileTabs />
        <span class="spacer" />
        <ExampleMenu />
      </div>
      <ProgramEditor onRun={() => void run()} />
      <div class="drawers">
        <details class="drawer" data-drawer="files" open={inputFiles.value.length > 0}>
          <summary>
            <span>Files</span>
            <span class="faint">
              {inputFiles.value.length === 0 ? 'drop files or folders anywhere' : plural(inputFiles.value.length, 'input file')}
            </span>
          </summary>
          <FilesPanel />
        </details>
        <details class="drawer" data-drawer="settings" open={wrong > 0}>
          <summary>
            <span>Settings</span>
            <span class="faint">{settingsInWords()}</span>
          </summary>
          <SettingsForm />
        </details>
      </div>
      {(general.length > 0 || wrong > 0) && (
        <div class="problem" role="alert">
          {general.map((detail) => (
            <p key={detail}>{detail}</p>
          ))}
          {wrong > 0 && <p>{plural(wrong, 'field is', 'fields are')} not as the service wants them; see above.</p>}
        </div>
      )}
      <RunBar />
    </form>
  );
}

function RunBar() {
  return (
    <div class="run-bar">
      <button type="submit" class="button is-primary run" disabled={isSubmitting.value}>
        <Icon name="play" />
        {isSubmitting.value ? 'Sending …' : 'Run'}
        <kbd aria-hidden="true">{isMac ? '⌘' : 'Ctrl'} ⏎</kbd>
      </button>
      <Field name="runtime" label="Runtime" hint="">
        {(attributes) => (
          <select {...attributes} value={settings.value.runtime} onChange={(event) => change({ runtime: event.currentTarget.value })}>
            {runtimes.value.length === 0 && <option value="">default</option>}
            {runtimes.value.map(({ name, version, state, default: isDefault }) => (
              <option key={name} value={isDefault ? '' : name}>
                {name} ({version}){state === 'ready' ? '' : ` · ${state}`}
              </option>
            ))}
          </select>
        )}
      </Field>
      <span class="spacer" />
      <CopyAs program={() => ({ code: codeFiles.peek(), input: inputFiles.peek(), settings: settings.peek() })} />
    </div>
  );
}

function ExampleMenu() {
  const menu = useRef<HTMLDetailsElement>(null);
  return (
    <details
      class="menu"
      ref={menu}
      onKeyDown={(event) => {
        if (event.key === 'Escape' && menu.current !== null) {
          menu.current.open = false;
          menu.current.querySelector('summary')?.focus();
        }
      }}
      onFocusOut={(event) => {
        if (menu.current !== null && !menu.current.contains(event.relatedTarget as Node | null)) menu.current.open = false;
      }}
    >
      <summary class="small-button">Examples</summary>
      <ExampleButtons
        onOpen={() => {
          if (menu.current !== null) menu.current.open = false;
        }}
      />
    </details>
  );
}
