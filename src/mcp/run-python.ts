import type { CallToolResult, McpServer, ServerContext } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { isFinal } from '../jobs/state.ts';
import { shown, uriOf } from './artifact-content.ts';
import { clippedText } from './clipped-text.ts';
import { describeEnd, jobFields, jobFieldsOf } from './job-result.ts';
import type { Jobs, OutputEntry, ToolFile } from './jobs.ts';
import { createProgress } from './progress.ts';

const MAX_OUTPUT_CHARS = 48 * 1024;
/** Below the minute after which clients give up on an answer. */
const WAIT_SEC = 50;
const MAX_WAIT_SEC = 600;
const MAX_FILES = 1000;

const input = z.object({
  code: z.string().describe('The program, complete: nothing is left of earlier runs. Print what you want to see.'),
  files: z
    .array(
      z.object({
        path: z.string().describe('Where it lies beside the program, such as data.csv or pkg/mod.py'),
        content: z.string(),
        encoding: z.enum(['utf8', 'base64']).default('utf8'),
      }),
    )
    .max(MAX_FILES)
    .default([])
    .describe('Files that the program reads or imports'),
  args: z.array(z.string()).default([]).describe('Arguments of the program'),
  stdin: z.string().default('').describe('What it reads on standard input'),
  timeout_sec: z.number().int().positive().optional().describe('After so many seconds it is stopped; 60 when left out'),
  wait_sec: z
    .number()
    .min(0)
    .max(MAX_WAIT_SEC)
    .default(WAIT_SEC)
    .describe('Answer after so many seconds at the latest, while the program runs on; get_job then tells of its end'),
});

const output = z.object({
  ...jobFields,
  artifacts: z.array(z.object({ name: z.string(), size: z.int(), content_type: z.string(), uri: z.string() })),
});

const FILE_NAME = 'main.py';

export async function registerRunPython(server: McpServer, jobs: Jobs): Promise<void> {
  const { version, packages } = await jobs.defaultRuntime();
  const names = Object.keys(packages);
  server.registerTool(
    'run_python',
    {
      title: 'Run Python',
      description:
        `Runs a Python ${version} program in an isolated sandbox without network and returns what it printed, its plots and its files. ` +
        (names.length === 0 ? '' : `Besides the standard library there are ${names.join(', ')}. `) +
        'Files that it writes to the current folder are kept as artifacts; matplotlib figures become images by themselves.',
      inputSchema: input,
      outputSchema: output,
      annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
    },
    async (wanted, context) => run(jobs, wanted, context),
  );
}

async function run(jobs: Jobs, wanted: z.output<typeof input>, context: ServerContext): Promise<CallToolResult> {
  const files: ToolFile[] = wanted.files.map(({ path, content, encoding }) => ({ path, bytes: Buffer.from(content, encoding) }));
  const id = await jobs.submit(
    {
      entry: FILE_NAME,
      args: wanted.args,
      stdin: wanted.stdin,
      workspace: 'writable',
      labels: { api: 'mcp' },
      ...(wanted.timeout_sec === undefined ? {} : { timeout_sec: wanted.timeout_sec }),
    },
    [...files, { path: FILE_NAME, bytes: Buffer.from(wanted.code) }],
  );
  const { signal } = context.mcpReq;
  const printed = clippedText(MAX_OUTPUT_CHARS);
  const progress = createProgress(context);
  const enough = AbortSignal.any([signal, AbortSignal.timeout(wanted.wait_sec * 1000)]);
  try {
    for await (const entries of jobs.follow(id, enough)) {
      const own = entries.filter((entry) => entry.stream !== 'runner');
      for (const { text } of own) printed.add(text);
      progress.tell(lastLine(own) ?? 'running');
    }
  } finally {
    progress.end();
  }
  const job = await jobs.get(id);
  if (job === undefined) throw new Error(`the job ${id} was removed while it ran`);
  const isOver = isFinal(job.status);
  // Nobody waits for the answer any more.
  if (!isOver && signal.aborted) await jobs.cancel(id);

  const artifacts = (isOver ? await jobs.artifacts(id) : undefined) ?? [];
  const text = [printed.toString(), describeEnd(job)].filter((part) => part !== '').join(printed.toString().endsWith('\n') ? '' : '\n');
  return {
    content: [{ type: 'text', text }, ...(await shown(jobs, id, artifacts))],
    structuredContent: {
      ...jobFieldsOf(job),
      artifacts: artifacts.map(({ name, size, content_type }) => ({ name, size, content_type, uri: uriOf(id, name) })),
    },
    isError: isOver && job.status !== 'succeeded',
  };
}

const lastLine = (entries: readonly OutputEntry[]): string | undefined =>
  entries.map(({ text }) => text.trimEnd()).findLast((text) => text !== '');
