import { useEffect, useRef } from 'preact/hooks';
import { base } from '../connection.ts';

/**
 * A page that a job made, in a frame of no origin and without a network: the sandbox is said here, and again by the
 * policy that the service sends with frame.html, so that neither alone has to hold.
 */
export function HtmlFrame({ html, name }: { html: string; name: string }) {
  const frame = useRef<HTMLIFrameElement>(null);
  useEffect(() => {
    const onMessage = (event: MessageEvent): void => {
      // Its origin is "null": what it is told goes to whoever is in the frame, and is nobody's secret.
      if (event.source !== null && event.source === frame.current?.contentWindow && event.data === 'ready') {
        frame.current.contentWindow.postMessage(html, '*');
      }
    };
    addEventListener('message', onMessage);
    return () => removeEventListener('message', onMessage);
  }, [html]);
  return (
    <iframe
      ref={frame}
      class="html-frame"
      sandbox="allow-scripts"
      src={new URL('frame.html', base).href}
      title={`${name}, a page that the job made`}
    />
  );
}
