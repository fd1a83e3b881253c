import { useRef, useState } from 'preact/hooks';
import { IconButton } from '../icon-button.tsx';
import { Icon } from '../icon.tsx';
import { problems } from '../form/problems.ts';
import { addCode, addInputs, codeFiles, inputFiles, removeInput } from '../program/draft.ts';
import { bytes } from '../words.ts';
import { codeFilesOf, droppedFiles, inputFilesOf, pickedFiles, type Found } from './collect.ts';

export type Area = 'code_files' | 'input_files';

/** No standard, and so not among the types, but what all browsers have. */
const FOLDER = { webkitdirectory: true };

export async function addTo(area: Area, found: Found[]): Promise<void> {
  if (area === 'input_files') addInputs(inputFilesOf(found));
  else addCode(await codeFilesOf(found));
}

/** Input files, and places to drop both kinds. */
export function FilesPanel() {
  const inputs = inputFiles.value;
  return (
    <div class="files">
      <DropPlace area="code_files" title="Code" about="lies beside the program and opens above" />
      <DropPlace area="input_files" title="Input" about="lies in the folder that JOB_INPUT_DIR names">
        {inputs.length > 0 && (
          <ul class="file-list" aria-label="Input files">
            {inputs.map(({ path, blob }) => (
              <li key={path}>
                <Icon name="file" />
                <span class="file-path">{path}</span>
                <span class="faint">{bytes(blob.size)}</span>
                <IconButton icon="close" label={`Remove ${path}`} onClick={() => removeInput(path)} />
              </li>
            ))}
          </ul>
        )}
      </DropPlace>
    </div>
  );
}

function DropPlace({ area, title, about, children }: { area: Area; title: string; about: string; children?: preact.ComponentChildren }) {
  const [isOver, setOver] = useState(false);
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const wrong = problems.value.fields[area] ?? [];
  const pick = (input: HTMLInputElement): void => {
    if (input.files !== null) void addTo(area, pickedFiles(input.files)).finally(() => (input.value = ''));
  };
  return (
    <div
      class={`drop${isOver ? ' is-over' : ''}`}
      data-area={area}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        event.stopPropagation();
        setOver(false);
        if (event.dataTransfer !== null) void droppedFiles(event.dataTransfer).then((found) => addTo(area, found));
      }}
    >
      <div class="drop-head">
        <div>
          <strong>{title}</strong> <span class="faint">{about}</span>
        </div>
        <span class="spacer" />
        <button type="button" class="small-button" aria-label={`Add ${title.toLowerCase()} files`} onClick={() => files.current?.click()}>
          <Icon name="file" /> Files
        </button>
        <button
          type="button"
          class="small-button"
          aria-label={`Add a ${title.toLowerCase()} folder`}
          onClick={() => folder.current?.click()}
        >
          <Icon name="folder" /> Folder
        </button>
        <input ref={files} type="file" multiple hidden data-picks={area} onChange={(event) => pick(event.currentTarget)} />
        <input ref={folder} type="file" hidden {...FOLDER} data-picks={`${area}-folder`} onChange={(event) => pick(event.currentTarget)} />
      </div>
      {wrong.map(({ at, detail }) => (
        <p key={`${at} ${detail}`} class="wrong">
          {at === undefined ? '' : `${(area === 'code_files' ? codeFiles : inputFiles).value[Number(at)]?.path ?? at}: `}
          {detail}
        </p>
      ))}
      {children}
    </div>
  );
}
