/** Opens the part of the page that has a field, and goes there. */
export function focusField(name: string): void {
  const field = document.getElementById(`field-${name}`);
  if (field === null) return;
  const pane = field.closest<HTMLElement>('[data-pane]');
  if (pane !== null) document.querySelector<HTMLButtonElement>(`[data-shows="${pane.dataset['pane']}"]`)?.click();
  for (let around = field.closest('details'); around !== null; around = around.parentElement?.closest('details') ?? null)
    around.open = true;
  field.scrollIntoView({ block: 'center' });
  field.focus();
}
