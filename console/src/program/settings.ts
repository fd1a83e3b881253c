/** A program's files and how it is to run, as the form has them. */

/** Code is text that the editor has, or a file as it was dropped. */
export type CodeFile = { path: string; text: string } | { path: string; blob: Blob };
export interface InputFile {
  path: string;
  blob: Blob;
}

export type Pair = [name: string, value: string];

/** Only what differs from the service's defaults is in here; numbers are texts, as they were typed. */
export interface Settings {
  entry: string;
  runtime: string;
  args: string[];
  stdin: string;
  env: Pair[];
  labels: Pair[];
  limits: Record<string, string>;
  /** `none`, `outbound`, or `allow`: what `allow` lists. */
  net_policy: string;
  allow: string[];
  callback_url: string;
  split_output: boolean;
  workspace: string;
}

export const LIMITS = ['timeout_sec', 'mem_limit_mb', 'cpu_limit', 'pids_limit', 'disk_limit_mb', 'output_limit_mb'] as const;

export const freshSettings = (): Settings => ({
  entry: '',
  runtime: '',
  args: [],
  stdin: '',
  env: [],
  labels: [],
  limits: {},
  net_policy: '',
  allow: [],
  callback_url: '',
  // Told apart, so that what went wrong is seen; and plain scripts that write beside themselves leave something.
  split_output: true,
  workspace: 'writable',
});

const NUMBER = /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/;

/** The fields of the specification that were set. What is no number is sent as it is: the service says so, at its field. */
export function specOf(settings: Settings): Record<string, unknown> {
  const { entry, runtime, args, stdin, env, labels, limits, net_policy, allow, split_output, workspace, callback_url } = settings;
  const spec: Record<string, unknown> = {};
  if (entry !== '' && entry !== 'main.py') spec['entry'] = entry;
  if (runtime !== '') spec['runtime'] = runtime;
  // An empty line at the end is where one has stopped writing.
  const given = args.at(-1) === '' ? args.slice(0, -1) : args;
  if (given.length > 0) spec['args'] = given;
  if (stdin !== '') spec['stdin'] = stdin;
  if (env.length > 0) spec['env'] = Object.fromEntries(env);
  if (labels.length > 0) spec['labels'] = Object.fromEntries(labels);
  for (const name of LIMITS) {
    const text = limits[name]?.trim() ?? '';
    if (text !== '') spec[name] = NUMBER.test(text) ? Number(text) : text;
  }
  if (net_policy === 'allow') spec['net_policy'] = { allow: allow.filter((host) => host.trim() !== '') };
  else if (net_policy !== '' && net_policy !== 'none') spec['net_policy'] = net_policy;
  if (callback_url.trim() !== '') spec['callback_url'] = callback_url.trim();
  if (split_output) spec['split_output'] = true;
  if (workspace !== '' && workspace !== 'read_only') spec['workspace'] = workspace;
  return spec;
}

/** The settings that a job had, as the form has them. */
export function settingsOf(spec: Record<string, unknown>, defaults: Record<string, { default?: unknown }>): Settings {
  const pairs = (value: unknown): [string, string][] => Object.entries((value ?? {}) as Record<string, string>);
  const limits: Record<string, string> = {};
  for (const name of LIMITS)
    if (spec[name] !== undefined && spec[name] !== defaults[name]?.default) limits[name] = JSON.stringify(spec[name]);
  const network = (spec['net_policy'] ?? '') as string | { allow: string[] };
  const text = (name: string): string => (typeof spec[name] === 'string' ? spec[name] : '');
  return {
    entry: text('entry') === 'main.py' ? '' : text('entry'),
    runtime: text('runtime') === defaults['runtime']?.default ? '' : text('runtime'),
    args: (spec['args'] ?? []) as string[],
    stdin: text('stdin'),
    env: pairs(spec['env']),
    labels: pairs(spec['labels']),
    limits,
    net_policy: typeof network === 'object' ? 'allow' : text('net_policy'),
    allow: typeof network === 'object' ? network.allow : [],
    callback_url: text('callback_url'),
    split_output: spec['split_output'] === true,
    workspace: text('workspace'),
  };
}
