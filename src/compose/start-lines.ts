/** A sandbox on the page of lines that a start prints. */
export function sandboxLines({ name, guarantees, notes }: { name: string; guarantees: object; notes: readonly string[] }): string[] {
  const missing = Object.entries(guarantees)
    .filter(([, held]) => held !== true)
    .map(([what]) => what);
  return [
    `  sandbox  ${name}${missing.length === 0 ? ', with all guarantees' : `, WITHOUT these guarantees: ${missing.join(', ')}`}`,
    ...notes.map((note) => `           ${note}`),
  ];
}

export function runtimesLines(runtimes: readonly { name: string; state: string }[]): string[] {
  const [first] = runtimes;
  return [
    `  runtimes ${runtimes.map(({ name, state }) => `${name}${state === 'ready' ? '' : ` (${state})`}`).join(', ')}`,
    ...(first?.state === 'preparing' ? [`           jobs for ${first.name} wait until its packages are there`] : []),
  ];
}
