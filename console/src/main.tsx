import { render } from 'preact';
import './styles/base.css';
import './styles/controls.css';
import './styles/shell.css';
import './styles/program.css';
import './styles/job.css';
import './styles/log.css';
import './styles/results.css';
import './styles/pages.css';
import './theme.ts';
import { Header } from './header.tsx';
import { KeyDialog } from './key-dialog.tsx';
import { History } from './pages/history.tsx';
import { System } from './pages/system.tsx';
import { Workspace } from './pages/workspace.tsx';
import { route } from './route.ts';
import { loadSchema } from './schema.ts';
import { watchService } from './service-state.ts';

function Page() {
  const at = route.value;
  if (at.page === 'history') return <History />;
  if (at.page === 'system') return <System />;
  return <Workspace id={at.page === 'job' ? at.id : undefined} />;
}

function Console() {
  return (
    <>
      <Header />
      <Page />
      <KeyDialog />
    </>
  );
}

const root = document.getElementById('console');
if (root === null) throw new Error('the page has no place for the console');
void loadSchema();
watchService();
render(<Console />, root);
