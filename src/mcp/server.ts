import { McpServer, ResourceNotFoundError, ResourceTemplate } from '@modelcontextprotocol/server';
import { contentsOf, TEMPLATE } from './artifact-content.ts';
import { registerJobTools } from './job-tools.ts';
import type { Jobs } from './jobs.ts';
import { registerRunPython } from './run-python.ts';

/** The MCP server: jobs as tools, their files as resources. Holds nothing between two requests. */
export async function createMcpServer(jobs: Jobs, version: string): Promise<McpServer> {
  const server = new McpServer({ name: 'job-runner', title: 'Job Runner', version });
  await registerRunPython(server, jobs);
  registerJobTools(server, jobs);
  server.registerResource(
    'artifact',
    // Whose files they are is known to whoever knows the job's id; a list of all would tell everybody.
    new ResourceTemplate(TEMPLATE, { list: undefined }),
    { title: 'A file that a job left' },
    async (uri, { id, name }) => {
      const contents = await contentsOf(jobs, String(id), decodeURIComponent(String(name)));
      if (typeof contents === 'string') throw new ResourceNotFoundError(uri.href, contents);
      return { contents: [{ ...contents, uri: uri.href }] };
    },
  );
  return server;
}
