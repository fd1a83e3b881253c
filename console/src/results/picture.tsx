import { useRef } from 'preact/hooks';

/** An image, and a window that shows it as large as there is room. It is never opened as a page: SVG would be one of ours. */
export function Picture({ url, name }: { url: string; name: string }) {
  const dialog = useRef<HTMLDialogElement>(null);
  return (
    <>
      <button type="button" class="image-button" title="Larger" onClick={() => dialog.current?.showModal()}>
        <img src={url} alt={name} />
      </button>
      <dialog ref={dialog} class="dialog image-dialog" aria-label={name} onClick={() => dialog.current?.close()}>
        <img src={url} alt={name} />
      </dialog>
    </>
  );
}
