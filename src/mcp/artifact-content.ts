import { buffer } from 'node:stream/consumers';
import type { ContentBlock } from '@modelcontextprotocol/server';
import type { Artifact } from '../api/job.ts';
import type { Jobs, OpenedArtifact } from './jobs.ts';

/** Larger ones are named, for clients to read when they want them. */
const MAX_SHOWN_BYTES = 2 * 1024 ** 2;
const MAX_SHOWN_IMAGES = 8;
/** What one answer may carry; beyond it the HTTP API is the place. */
const MAX_READ_BYTES = 8 * 1024 ** 2;

const IMAGE = /^image\/(png|jpeg|gif|webp)$/;
const TEXT = /^text\/|^application\/(.+\+)?(json|xml|yaml|toml|javascript|sql)$|^image\/svg\+xml$/;

export const SCHEME = 'job-runner:';
export const TEMPLATE = `${SCHEME}//jobs/{id}/artifacts/{+name}`;
export const uriOf = (id: string, name: string): string =>
  `${SCHEME}//jobs/${id}/artifacts/${name.split('/').map(encodeURIComponent).join('/')}`;

export const linkTo = (id: string, { name, content_type, size }: Artifact): ContentBlock => ({
  type: 'resource_link',
  uri: uriOf(id, name),
  name,
  mimeType: content_type,
  size,
});

const base64Of = async (file: OpenedArtifact): Promise<string> => (await buffer(file.bytes())).toString('base64');

/** A job's files for the answer to its run: images to be seen, and a link to each. */
export async function shown(jobs: Jobs, id: string, artifacts: readonly Artifact[]): Promise<ContentBlock[]> {
  const blocks: ContentBlock[] = [];
  const images = artifacts.filter(({ content_type, size }) => IMAGE.test(content_type) && size <= MAX_SHOWN_BYTES);
  for (const { name, content_type } of images.slice(0, MAX_SHOWN_IMAGES)) {
    const file = await jobs.open(id, name);
    if (file !== undefined) blocks.push({ type: 'image', data: await base64Of(file), mimeType: content_type });
  }
  return [...blocks, ...artifacts.map((artifact) => linkTo(id, artifact))];
}

export type Contents = { uri: string; mimeType: string } & ({ text: string } | { blob: string });

/** One artifact as a resource. A string says why it can't be had. */
export async function contentsOf(jobs: Jobs, id: string, name: string): Promise<Contents | string> {
  const artifact = (await jobs.artifacts(id))?.find((each) => each.name === name);
  const file = artifact === undefined ? undefined : await jobs.open(id, name);
  if (artifact === undefined || file === undefined)
    return `there is no artifact "${name}" of a job ${id}; list_artifacts tells which there are`;
  if (artifact.size > MAX_READ_BYTES)
    return `${name} has ${artifact.size} bytes, more than the ${MAX_READ_BYTES} that fit into an answer; have a program read it, or GET /jobs/${id}/artifacts/${name}`;
  const named = { uri: uriOf(id, name), mimeType: artifact.content_type };
  const bytes = await buffer(file.bytes());
  return TEXT.test(artifact.content_type) ? { ...named, text: bytes.toString('utf8') } : { ...named, blob: bytes.toString('base64') };
}

/** One artifact as the content of an answer: images as such. */
export const blockOf = (contents: Contents): ContentBlock =>
  'blob' in contents && IMAGE.test(contents.mimeType)
    ? { type: 'image', data: contents.blob, mimeType: contents.mimeType }
    : { type: 'resource', resource: contents };
