import { useEffect, useState } from 'preact/hooks';
import { addTo, type Area } from './files-panel.tsx';
import { droppedFiles } from './collect.ts';

const PLACES: { area: Area; title: string; about: string }[] = [
  { area: 'code_files', title: 'As code', about: 'beside the program' },
  { area: 'input_files', title: 'As input', about: 'into JOB_INPUT_DIR' },
];

/** While files are dragged over the page: two large places to let them go. */
export function DropOverlay() {
  const [isDragging, setDragging] = useState(false);
  const [over, setOver] = useState<Area>();
  useEffect(() => {
    const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') === true;
    const onEnter = (event: DragEvent): void => {
      if (hasFiles(event)) setDragging(true);
    };
    const onOver = (event: DragEvent): void => {
      // Otherwise the browser would leave this page for the file.
      if (hasFiles(event)) event.preventDefault();
    };
    const onLeave = (event: DragEvent): void => {
      if (event.relatedTarget === null) setDragging(false);
    };
    const onDrop = (event: DragEvent): void => {
      event.preventDefault();
      setDragging(false);
    };
    addEventListener('dragenter', onEnter);
    addEventListener('dragover', onOver);
    addEventListener('dragleave', onLeave);
    addEventListener('drop', onDrop);
    return () => {
      removeEventListener('dragenter', onEnter);
      removeEventListener('dragover', onOver);
      removeEventListener('dragleave', onLeave);
      removeEventListener('drop', onDrop);
    };
  }, []);
  if (!isDragging) return null;
  return (
    <div class="drop-overlay">
      {PLACES.map(({ area, title, about }) => (
        <div
          key={area}
          class={area === over ? 'is-over' : ''}
          data-drop={area}
          onDragEnter={() => setOver(area)}
          onDragOver={(event) => event.preventDefault()}
          onDrop={(event) => {
            event.preventDefault();
            if (event.dataTransfer !== null) void droppedFiles(event.dataTransfer).then((found) => addTo(area, found));
          }}
        >
          <strong>{title}</strong>
          <span>{about}</span>
        </div>
      ))}
    </div>
  );
}
