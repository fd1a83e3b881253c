import { apiKey, get } from '../connection.ts';

/** Has the browser save something under a name. */
export function saveBlob(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name.split('/').at(-1) ?? name;
  link.click();
  // Not at once: the browser has only been asked to read it.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Saves what is at an address of the service: the browser does that itself, unless a key must go with the request. */
export async function saveFrom(url: URL, name: string): Promise<void> {
  if (apiKey.peek() === '') {
    const link = document.createElement('a');
    link.href = url.href;
    link.download = name.split('/').at(-1) ?? name;
    link.click();
    return;
  }
  const response = await get(url.href);
  if (!response.ok) throw new Error(`${name} can’t be fetched (${response.status})`);
  saveBlob(await response.blob(), name);
}

/** Resolves with whether it worked. Pages that came over plain HTTP from another machine have no clipboard of the new kind. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = Object.assign(document.createElement('textarea'), { value: text });
    document.body.append(area);
    area.select();
    const isCopied = document.execCommand('copy');
    area.remove();
    return isCopied;
  }
}
