import { artifactUrl, get } from '../connection.ts';

export interface Beginning {
  response: Response;
  isWhole: boolean;
}

/** The first bytes of an artifact. */
export async function beginningOf(id: string, name: string, size: number, maxBytes: number, signal: AbortSignal): Promise<Beginning> {
  const isWhole = size <= maxBytes;
  const headers: Record<string, string> = isWhole ? {} : { range: `bytes=0-${maxBytes - 1}` };
  const response = await get(artifactUrl(id, name).href, { headers, signal });
  if (!response.ok) throw new Error(`${name} can’t be fetched: the service answered ${response.status}`);
  return { response, isWhole };
}

/** Bytes `from` to `to`, the latter not included. */
export async function sliceOf(id: string, name: string, from: number, to: number): Promise<ArrayBuffer> {
  const response = await get(artifactUrl(id, name).href, { headers: { range: `bytes=${from}-${to - 1}` } });
  if (!response.ok) throw new Error(`${name} can’t be fetched: the service answered ${response.status}`);
  const got = await response.arrayBuffer();
  return response.status === 206 ? got : got.slice(from, to);
}
