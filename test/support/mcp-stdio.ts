import { remoteJobs } from '../../src/mcp/remote-jobs.ts';
import { serveMcpOnStdio } from '../../src/mcp/stdio.ts';

/** A program that speaks MCP on its standard input and output, for the jobs of the service at the address that it is given. */
await serveMcpOnStdio({ jobs: remoteJobs(process.argv[2] ?? ''), version: '0.0.0' });
