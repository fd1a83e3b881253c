import { effect, signal, type Signal } from '@preact/signals';

/** A value that outlives the page, where the browser allows that; elsewhere it lives as long as the page. */
export function stored<T>(name: string, initial: T, isValid: (value: unknown) => value is T): Signal<T> {
  const key = `job-runner.${name}`;
  let first = initial;
  try {
    const value: unknown = JSON.parse(localStorage.getItem(key) ?? 'null');
    if (isValid(value)) first = value;
  } catch {
    // Forbidden, or not ours.
  }
  const state = signal(first);
  effect(() => {
    const text = JSON.stringify(state.value);
    try {
      localStorage.setItem(key, text);
    } catch {
      // Full or forbidden: then this visit is all there is.
    }
  });
  return state;
}
