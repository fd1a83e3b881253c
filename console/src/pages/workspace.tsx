import { useEffect, useState } from 'preact/hooks';
import { DropOverlay } from '../files/drop-overlay.tsx';
import { JobPanel } from '../job/job-panel.tsx';
import { ExampleButtons } from '../program/example-buttons.tsx';
import { ProgramPane } from '../program/program-pane.tsx';
import { run } from '../program/run.ts';

/** The program on one side, its job on the other; on a phone one of the two. */
export function Workspace({ id }: { id: string | undefined }) {
  const [shown, setShown] = useState<'program' | 'job'>(id === undefined ? 'program' : 'job');
  useEffect(() => setShown(id === undefined ? 'program' : 'job'), [id]);

  useEffect(() => {
    // In the editor this key is the editor's.
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || event.defaultPrevented) return;
      event.preventDefault();
      void run();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);

  return (
    <main id="main" class="workspace" tabIndex={-1} data-shown={shown}>
      <h1 class="sr-only">Run Python</h1>
      <div class="switch segments" role="group" aria-label="Shown">
        {(['program', 'job'] as const).map((each) => (
          <button key={each} type="button" data-shows={each} aria-pressed={shown === each} onClick={() => setShown(each)}>
            {each === 'program' ? 'Program' : 'Job'}
          </button>
        ))}
      </div>
      <section class="pane" data-pane="program" aria-label="Program">
        <ProgramPane />
      </section>
      <section class="pane" data-pane="job" aria-label="Job">
        {id === undefined ? <Welcome /> : <JobPanel id={id} onRun={() => void run()} />}
      </section>
      <DropOverlay />
    </main>
  );
}

function Welcome() {
  return (
    <div class="welcome">
      <h2>Run Python, see what it makes</h2>
      <p>
        Press <b>Run</b>. The program runs isolated and under limits; its output appears here while it comes, and the plots, tables and
        pages that it makes below.
      </p>
      <h3>Or begin with</h3>
      <ExampleButtons class="cards" onOpen={() => void run()} />
    </div>
  );
}
