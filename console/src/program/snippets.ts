import { LIMITS, specOf, type CodeFile, type InputFile, type Settings } from './settings.ts';

/** A program as a command or as code: what one pastes elsewhere to run the same. */
export interface Program {
  code: CodeFile[];
  input: InputFile[];
  settings: Settings;
}

export interface Target {
  /** The service's address, without a slash at its end. */
  url: string;
  needsKey: boolean;
}

export const LANGUAGES = ['curl', 'CLI', 'Python', 'TypeScript'] as const;
export type Language = (typeof LANGUAGES)[number];

/** One word of a POSIX shell, whatever is in it. */
export const shellWord = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

/** A here-document that no line of the text ends too early. */
function hereDocument(text: string): { mark: string; body: string } {
  let mark = 'PY';
  while (text.split('\n').includes(mark)) mark += '_';
  return { mark, body: text.endsWith('\n') ? text : `${text}\n` };
}

const onlyText = ({ code }: Program): { path: string; text: string } | undefined => {
  const [file] = code;
  return code.length === 1 && file !== undefined && 'text' in file ? file : undefined;
};

function curl(program: Program, { url, needsKey }: Target): string {
  const single = onlyText(program);

  const part = (field: string, path: string, from = path): string => `-F ${shellWord(`${field}=@${from};filename=${path}`)}`;
  const lines = [
    `curl -sS ${shellWord(`${url}/jobs?wait=60`)}`,
    ...(needsKey ? ['-H "Authorization: Bearer $JOB_RUNNER_API_KEY"'] : []),
    `-F ${shellWord(`spec=${JSON.stringify(specOf(program.settings))}`)}`,
    ...(single === undefined ? program.code.map(({ path }) => part('code_files', path)) : [part('code_files', single.path, '-')]),
    ...program.input.map(({ path }) => part('input_files', path)),
  ];
  const command = lines.join(' \\\n  ');
  if (single === undefined) return `${command}\n`;
  const { mark, body } = hereDocument(single.text);
  return `${command} <<'${mark}'\n${body}${mark}\n`;
}

function commandLine(program: Program, { url }: Target): string {
  const { settings, code, input } = program;
  const single = onlyText(program);
  const spec = specOf(settings);
  const entry = settings.entry || 'main.py';
  const flags: Record<(typeof LIMITS)[number], string> = {
    timeout_sec: '--timeout',
    mem_limit_mb: '--memory',
    cpu_limit: '--cpu',
    pids_limit: '--pids',
    disk_limit_mb: '--disk-limit',
    output_limit_mb: '--output-limit',
  };
  const words = [
    'job-runner run',
    shellWord(single?.path ?? entry),
    `--url ${shellWord(url)}`,
    ...(single === undefined ? code.filter(({ path }) => path !== entry).map(({ path }) => `--code ${shellWord(path)}`) : []),
    ...input.map(({ path }) => `--input ${shellWord(path)}`),
    ...settings.env.map((pair) => `--env ${shellWord(pair.join('='))}`),
    ...settings.labels.map((pair) => `--label ${shellWord(pair.join('='))}`),
    ...LIMITS.flatMap((name) => (spec[name] === undefined ? [] : [`${flags[name]} ${shellWord(JSON.stringify(spec[name]))}`])),
    ...(spec['runtime'] === undefined ? [] : [`--runtime ${shellWord(settings.runtime)}`]),
    ...(settings.net_policy === 'outbound' ? ['--network'] : []),
    ...(settings.net_policy === 'allow' ? settings.allow.map((host) => `--allow-host ${shellWord(host)}`) : []),
    ...(spec['workspace'] === undefined ? [] : [`--workspace ${settings.workspace}`]),
    ...(spec['callback_url'] === undefined ? [] : [`--callback-url ${shellWord(settings.callback_url.trim())}`]),
    '--out results',
    ...(settings.args.length === 0 ? [] : [`-- ${settings.args.map(shellWord).join(' ')}`]),
  ];
  const given = settings.stdin === '' ? '' : `printf %s ${shellWord(settings.stdin)} | `;
  const command = `${given}${words.join(' ')}\n`;
  if (single === undefined) return command;
  const { mark, body } = hereDocument(single.text);
  return `cat > ${shellWord(single.path)} <<'${mark}'\n${body}${mark}\n${command}`;
}

/** Python has JSON's literals, save three words. */
function pythonValue(value: unknown): string {
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (value === null || value === undefined) return 'None';
  if (Array.isArray(value)) return `[${value.map(pythonValue).join(', ')}]`;
  if (typeof value === 'object') {
    return `{${Object.entries(value)
      .map(([name, each]) => `${JSON.stringify(name)}: ${pythonValue(each)}`)
      .join(', ')}}`;
  }
  return JSON.stringify(value);
}

/** A text over several lines, as its language writes it. */
const pythonText = (text: string): string =>
  text.includes('"""') || text.includes('\\') || text.endsWith('"') || !text.includes('\n') ? JSON.stringify(text) : `"""\\\n${text}"""`;
const scriptText = (text: string): string =>
  text.includes('\n') ? `\`${text.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${')}\`` : JSON.stringify(text);

function python(program: Program, { url, needsKey }: Target): string {
  const single = onlyText(program);
  const files = program.code.map(
    (file) => `    ${JSON.stringify(file.path)}: ${'text' in file ? pythonText(file.text) : `Path(${JSON.stringify(file.path)})`},\n`,
  );
  const options = [
    ...(program.input.length === 0
      ? []
      : [`input={${program.input.map(({ path }) => `${JSON.stringify(path)}: Path(${JSON.stringify(path)})`).join(', ')}}`]),
    ...Object.entries(specOf(program.settings)).map(([name, value]) => `${name}=${pythonValue(value)}`),
  ];
  const needsPath = program.input.length > 0 || program.code.some((file) => !('text' in file));
  const code =
    single !== undefined && single.path === (program.settings.entry || 'main.py') ? pythonText(single.text) : `{\n${files.join('')}}`;
  return `${needsKey ? 'import os\n' : ''}${needsPath ? 'from pathlib import Path\n' : ''}${needsKey || needsPath ? '\n' : ''}from job_runner import Client

client = Client(${JSON.stringify(url)}${needsKey ? ', api_key=os.environ["JOB_RUNNER_API_KEY"]' : ''})
code = ${code}
result = client.run(${['code', ...options].join(', ')})
print(result.job.status, result.stdout, result.stderr)
client.save_artifacts(result.job.id, "results")
`;
}

function typeScript(program: Program, { url, needsKey }: Target): string {
  const file = (path: string): string => `${JSON.stringify(path)}: await file(${JSON.stringify(path)})`;
  const code = program.code.map(
    (each) => `    ${'text' in each ? `${JSON.stringify(each.path)}: ${scriptText(each.text)}` : file(each.path)},\n`,
  );
  const options = [
    ...(program.input.length === 0 ? [] : [`  input: { ${program.input.map(({ path }) => file(path)).join(', ')} },\n`]),
    ...Object.entries(specOf(program.settings)).map(([name, value]) => `  ${name}: ${JSON.stringify(value)},\n`),
  ];
  const needsFile = program.input.length > 0 || program.code.some((each) => !('text' in each));
  return `import { createClient } from 'job-runner/client';
import { ${needsFile ? 'file, ' : ''}saveArtifacts } from 'job-runner/client/node';

const client = createClient({ url: ${JSON.stringify(url)}${needsKey ? ', apiKey: process.env.JOB_RUNNER_API_KEY' : ''} });
const { job, stdout, stderr } = await client.run({
  code: {
${code.join('')}  },
${options.join('')}});
console.log(job.status, stdout, stderr);
await saveArtifacts(client, job.id, 'results');
`;
}

export function snippetOf(language: Language, program: Program, target: Target): string {
  switch (language) {
    case 'curl':
      return curl(program, target);
    case 'CLI':
      return commandLine(program, target);
    case 'Python':
      return python(program, target);
    case 'TypeScript':
      return typeScript(program, target);
  }
}
