import { apiKey, base, keyWanted } from './connection.ts';
import { IconButton } from './icon-button.tsx';
import { type IconName } from './icon.tsx';
import { hrefOf, route, type Route } from './route.ts';
import { isReachable, readiness, runtimes } from './service-state.ts';
import { theme, THEMES, type Theme } from './theme.ts';

const PAGES: { to: Route; name: string }[] = [
  { to: { page: 'new' }, name: 'Run' },
  { to: { page: 'history' }, name: 'History' },
  { to: { page: 'system' }, name: 'System' },
];

const isHere = (to: Route): boolean => to.page === route.value.page || (to.page === 'new' && route.value.page === 'job');

export function Header() {
  return (
    <header class="header">
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById('main')?.focus();
        }}
      >
        To the content
      </a>
      <a class="brand" href="#/" aria-label="Job Runner">
        <Mark />
        <span>Job Runner</span>
      </a>
      <nav aria-label="Pages">
        {PAGES.map(({ to, name }) => (
          <a key={name} href={hrefOf(to)} aria-current={isHere(to) ? 'page' : undefined}>
            {name}
          </a>
        ))}
        <a href={new URL('docs', base).href}>API</a>
      </nav>
      <span class="spacer" />
      <State />
      {apiKey.value !== '' && (
        <IconButton icon="key" label="Change the API key" title="API key" onClick={() => (keyWanted.value = 'missing')} />
      )}
      <ThemeSwitch />
    </header>
  );
}

const Mark = () => (
  <svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
    <rect width="32" height="32" rx="8" fill="#0e6f7c" />
    <path d="M12 9.5v13l10.5-6.5z" fill="#fff" />
  </svg>
);

function State() {
  const [kind, words] = !isReachable.value
    ? ['bad', 'Not reachable']
    : readiness.value === undefined
      ? ['unknown', 'Asking …']
      : readiness.value.ready
        ? ['good', 'Ready']
        : runtimes.value.some(({ state, default: isDefault }) => isDefault && state === 'preparing')
          ? ['wait', 'Preparing']
          : ['wait', 'Not ready'];
  return (
    <a class={`state is-${kind}`} href="#/system" aria-label={`The service: ${words}`}>
      <span class="dot" aria-hidden="true" />
      <span class="state-words">{words}</span>
    </a>
  );
}

const THEME: Record<Theme, { icon: IconName; words: string }> = {
  system: { icon: 'screen', words: 'as the system has it' },
  light: { icon: 'sun', words: 'light' },
  dark: { icon: 'moon', words: 'dark' },
};

function ThemeSwitch() {
  const next = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? 'system';
  return (
    <IconButton
      icon={THEME[theme.value].icon}
      label={`Colours: ${THEME[theme.value].words}. Change to ${THEME[next].words}`}
      title={`Colours: ${THEME[theme.value].words}`}
      onClick={() => (theme.value = next)}
    />
  );
}
