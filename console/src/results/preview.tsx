import { useEffect, useState } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import type { Artifact } from '../../../src/client/client.ts';
import { wordsOf } from '../connection.ts';
import { beginningOf, sliceOf } from './fetch.ts';
import { HtmlFrame } from './html-frame.tsx';
import { JsonTree } from './json-tree.tsx';
import { kindOf, SHOWN_BYTES } from './kind.ts';
import { Picture } from './picture.tsx';
import { Table } from './table.tsx';

interface Props {
  id: string;
  artifact: Artifact;
}

/** What is drawn of a file, and how to let go of what that took. */
interface Drawn {
  node: ComponentChildren;
  release?: () => void;
}

async function draw({ id, artifact }: Props, signal: AbortSignal): Promise<Drawn> {
  const { name, size } = artifact;
  const kind = kindOf(artifact);
  if (kind === 'parquet') {
    const { readParquet } = await import('./parquet.ts');
    return { node: <Table name={name} table={await readParquet(size, (from, to) => sliceOf(id, name, from, to))} /> };
  }
  const { response, isWhole } = await beginningOf(id, name, size, SHOWN_BYTES[kind], signal);
  if (kind === 'image') {
    const url = URL.createObjectURL(await response.blob());
    return {
      node: <Picture url={url} name={name} />,
      release: () => URL.revokeObjectURL(url),
    };
  }
  const text = await response.text();
  if (kind === 'csv') {
    const { readCsv } = await import('./csv.ts');
    return { node: <Table name={name} table={readCsv(text, isWhole)} /> };
  }
  if (kind === 'html') return { node: <HtmlFrame html={text} name={name} /> };
  if (kind === 'json') {
    try {
      const value: unknown = JSON.parse(text);
      return { node: <div class="json">{<JsonTree value={value} />}</div> };
    } catch {
      // Not what its name says: then it is text.
    }
  }
  return {
    node: (
      <>
        <pre class="text-preview" tabIndex={0} role="region" aria-label={name}>
          {text}
        </pre>
        {!isWhole && <p class="preview-note">The beginning. All of it is in the download.</p>}
      </>
    ),
  };
}

export function Preview({ id, artifact }: Props) {
  const [drawn, setDrawn] = useState<Drawn>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    const abort = new AbortController();
    let release: (() => void) | undefined;
    draw({ id, artifact }, abort.signal).then(
      (now) => {
        release = now.release;
        if (abort.signal.aborted) release?.();
        else setDrawn(now);
      },
      (error: unknown) => {
        if (!abort.signal.aborted) setProblem(wordsOf(error));
      },
    );
    return () => {
      abort.abort();
      release?.();
    };
  }, [id, artifact.name, artifact.sha256]);
  if (problem !== undefined) return <p class="preview-note is-bad">{problem}</p>;
  return <div class={`preview is-${kindOf(artifact)}`}>{drawn === undefined ? <p class="preview-note">Loading …</p> : drawn.node}</div>;
}
