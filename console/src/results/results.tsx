import { useState } from 'preact/hooks';
import type { Artifact } from '../../../src/client/client.ts';
import { artifactUrl, jobPath, wordsOf } from '../connection.ts';
import { IconButton } from '../icon-button.tsx';
import { Icon } from '../icon.tsx';
import { bytes, plural } from '../words.ts';
import { saveFrom } from './download.ts';
import { canShow, kindOf, type Kind } from './kind.ts';
import { Preview } from './preview.tsx';

/** So many are open from the beginning: pictures, and a few of what else there is. */
const OPEN_IMAGES = 12;
const OPEN_OTHERS = 2;

/** What one looks at first comes first. */
const ORDER: readonly Kind[] = ['image', 'html', 'csv', 'parquet', 'json', 'text', 'other'];
const sorted = (artifacts: readonly Artifact[]): Artifact[] =>
  artifacts.toSorted((a, b) => ORDER.indexOf(kindOf(a)) - ORDER.indexOf(kindOf(b)));

/** What the job left, looked at where that is possible. */
export function Results({ id, artifacts }: { id: string; artifacts: readonly Artifact[] }) {
  const [problem, setProblem] = useState('');
  const ordered = sorted(artifacts);
  const images = ordered.filter((artifact) => kindOf(artifact) === 'image').length;
  const save = (url: URL, name: string): void => {
    setProblem('');
    saveFrom(url, name).catch((error: unknown) => setProblem(wordsOf(error)));
  };
  return (
    <section class="results" aria-labelledby="results-title">
      <header class="results-head">
        <h3 id="results-title">Results</h3>
        <span class="faint">
          {plural(artifacts.length, 'file')}, {bytes(artifacts.reduce((sum, { size }) => sum + size, 0))}
        </span>
        <span class="spacer" />
        {artifacts.length > 1 && (
          <button type="button" class="small-button" onClick={() => save(jobPath(id, 'artifacts.zip'), `${id}.zip`)}>
            <Icon name="download" /> All as zip
          </button>
        )}
      </header>
      {problem !== '' && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {ordered.map((artifact, index) => (
        <Result
          key={artifact.name}
          id={id}
          artifact={artifact}
          isOpen={kindOf(artifact) === 'image' ? index < OPEN_IMAGES : index - images < OPEN_OTHERS}
          onSave={() => save(artifactUrl(id, artifact.name), artifact.name)}
        />
      ))}
    </section>
  );
}

function Result({ id, artifact, isOpen, onSave }: { id: string; artifact: Artifact; isOpen: boolean; onSave: () => void }) {
  const isShowable = canShow(artifact);
  const [isShown, setShown] = useState(isOpen && isShowable);
  return (
    <article class="result" data-name={artifact.name}>
      <header>
        <Icon name="file" />
        <h4>{artifact.name}</h4>
        <span class="faint">{bytes(artifact.size)}</span>
        <span class="spacer" />
        {isShowable && (
          <button
            type="button"
            class="small-button"
            aria-expanded={isShown}
            aria-label={`${isShown ? 'Hide' : 'Show'} ${artifact.name}`}
            onClick={() => setShown(!isShown)}
          >
            {isShown ? 'Hide' : 'Show'}
          </button>
        )}
        <IconButton icon="download" label={`Download ${artifact.name}`} title="Download" onClick={onSave} />
      </header>
      {isShown && <Preview id={id} artifact={artifact} />}
    </article>
  );
}
