import { useState } from 'preact/hooks';
import { IconButton } from '../icon-button.tsx';
import { activeFile, activePath, codeFiles, entryPath, newFile, removeCode, renameCode } from '../program/draft.ts';

/** The program's files; a double click or F2 renames one. */
export function FileTabs() {
  const [renaming, setRenaming] = useState<string>();
  const [wrong, setWrong] = useState('');
  const files = codeFiles.value;
  const active = activeFile.value?.path;
  const finish = (from: string, to: string): void => {
    const why = renameCode(from, to);
    setWrong(why ?? '');
    if (why === undefined) setRenaming(undefined);
  };
  return (
    <div class="tabs" role="group" aria-label="Files of the program">
      {files.map(({ path }) => (
        <span key={path} class={`tab${path === active ? ' is-active' : ''}`}>
          {renaming === path ? (
            <input
              class="tab-name"
              aria-label={`New name of ${path}`}
              aria-invalid={wrong !== ''}
              title={wrong}
              autofocus
              ref={(input) => input?.focus()}
              defaultValue={path}
              onBlur={(event) => finish(path, event.currentTarget.value)}
              onKeyDown={(event) => {
                if (event.key === 'Enter') finish(path, event.currentTarget.value);
                if (event.key === 'Escape') setRenaming(undefined);
              }}
            />
          ) : (
            <button
              type="button"
              class="tab-name"
              aria-current={path === active}
              title={path === entryPath.value ? `${path}: this is what runs. F2 renames it` : `${path}. F2 renames it`}
              onClick={() => (activePath.value = path)}
              onDblClick={() => setRenaming(path)}
              onKeyDown={(event) => {
                if (event.key === 'F2') setRenaming(path);
              }}
            >
              {path === entryPath.value && <span class="entry-mark" aria-hidden="true" />}
              {path}
              {path === entryPath.value && <span class="sr-only"> (runs)</span>}
            </button>
          )}
          {files.length > 1 && <IconButton icon="close" label={`Remove ${path}`} onClick={() => removeCode(path)} />}
        </span>
      ))}
      <IconButton icon="plus" label="New file" title="New file" onClick={newFile} />
    </div>
  );
}
