import type { CallToolResult, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { Job } from '../api/job.ts';
import { blockOf, contentsOf, linkTo } from './artifact-content.ts';
import { clippedText } from './clipped-text.ts';
import { describeEnd, jobFields, jobFieldsOf } from './job-result.ts';
import type { Jobs } from './jobs.ts';

const MAX_LOG_CHARS = 48 * 1024;

const jobId = z.string().describe('As run_python told it');
const LOOKING = { readOnlyHint: true, openWorldHint: false };

const failed = (text: string): CallToolResult => ({ content: [{ type: 'text', text }], isError: true });
const unknown = (id: string): CallToolResult => failed(`there is no job ${id}`);
const told = (job: Job, text: string): CallToolResult => ({ content: [{ type: 'text', text }], structuredContent: jobFieldsOf(job) });

export function registerJobTools(server: McpServer, jobs: Jobs): void {
  server.registerTool(
    'get_job',
    {
      title: 'Look at a job',
      description: 'How a job stands, and what it has printed so far.',
      inputSchema: z.object({ job_id: jobId }),
      outputSchema: z.object(jobFields),
      annotations: LOOKING,
    },
    async ({ job_id }) => {
      const job = await jobs.get(job_id);
      if (job === undefined) return unknown(job_id);
      const log = clippedText(MAX_LOG_CHARS);
      for await (const part of jobs.log(job_id)) log.add(part);
      return told(job, [job.status, describeEnd(job), log.toString()].filter((part) => part !== '').join('\n'));
    },
  );

  server.registerTool(
    'cancel_job',
    {
      title: 'Cancel a job',
      description: 'Ends a queued or running job with everything that it started.',
      inputSchema: z.object({ job_id: jobId }),
      outputSchema: z.object(jobFields),
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    },
    async ({ job_id }) => {
      const job = await jobs.cancel(job_id);
      // A running one ends a moment later.
      return job === undefined ? unknown(job_id) : told(job, job.status === 'running' ? 'it is being stopped' : job.status);
    },
  );

  server.registerTool(
    'list_artifacts',
    {
      title: 'List a job’s files',
      description: 'Files that a finished job left, each as a link to a resource.',
      inputSchema: z.object({ job_id: jobId }),
      annotations: LOOKING,
    },
    async ({ job_id }) => {
      const artifacts = await jobs.artifacts(job_id);
      if (artifacts === undefined) return unknown(job_id);
      const lines = artifacts.map(({ name, size, content_type }) => `${name} (${content_type}, ${size} bytes)`);
      const text = lines.length === 0 ? 'no files (a job that is not over has none yet)' : lines.join('\n');
      return { content: [{ type: 'text', text }, ...artifacts.map((artifact) => linkTo(job_id, artifact))] };
    },
  );

  server.registerTool(
    'read_artifact',
    {
      title: 'Read a job’s file',
      description: 'One file that a finished job left: text as text, images as images, anything else in base64.',
      inputSchema: z.object({ job_id: jobId, name: z.string().describe('As list_artifacts tells it') }),
      annotations: LOOKING,
    },
    async ({ job_id, name }) => {
      const contents = await contentsOf(jobs, job_id, name);
      return typeof contents === 'string' ? failed(contents) : { content: [blockOf(contents)] };
    },
  );
}
