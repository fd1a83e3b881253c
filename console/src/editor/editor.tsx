import { useEffect, useRef } from 'preact/hooks';
import { activeFile, edit, revision } from '../program/draft.ts';
import { bytes } from '../words.ts';
import { createEditor, type Editor } from './create-editor.ts';

/** The file that is being worked on; one that is no text is only named. */
export function ProgramEditor({ onRun }: { onRun: () => void }) {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<Editor>(undefined);
  const run = useRef(onRun);
  run.current = onRun;

  useEffect(() => {
    if (host.current === null) return undefined;
    const created = createEditor(host.current, { onChange: edit, onRun: () => run.current() });
    editor.current = created;
    return () => created.destroy();
  }, []);

  const file = activeFile.value;
  const path = file?.path ?? '';
  useEffect(() => {
    if (file !== undefined && 'text' in file) editor.current?.show(file.path, file.text);
    // What is typed comes from the editor itself: only another file or another content is news to it.
  }, [path, revision.value]);

  const isText = file === undefined || 'text' in file;
  return (
    <div class="editor">
      <div class="editor-host" ref={host} hidden={!isText} />
      {!isText && (
        <p class="editor-other">
          <strong>{path}</strong> is no text ({bytes(file.blob.size)}). It is sent as it is.
        </p>
      )}
    </div>
  );
}
