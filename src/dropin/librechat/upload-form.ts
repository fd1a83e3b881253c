import type { IncomingMessage } from 'node:http';
import type { Upload } from '../../artifacts/artifacts.ts';
import { ApiError } from '../../errors.ts';
import { kept, readForm, type FormLimits } from '../../http/form.ts';
import type { ReceivedFiles } from './uploads.ts';

/** One file of a form, as the answer to a batch tells it. */
export type TakenFile = { status: 'success'; name: string; size: number } | { status: 'error'; name: string; error: string };

export interface TakenForm extends ReceivedFiles {
  taken: TakenFile[];
}

/**
 * Reads LibreChat's upload: any file part counts, whatever its name. The fields that say whose the files are mean nothing here: who knows
 * a session's id, and comes with its owner's key where there are keys, may use it. A file that can't be had (its name is no path, it was sent twice) doesn't keep the others out.
 */
export async function readUploadForm(request: IncomingMessage, upload: Upload, limits: FormLimits): Promise<TakenForm> {
  const taken: TakenFile[] = [];
  let readOnly = false;
  await readForm(request, limits, {
    field(name, text) {
      if (name === 'read_only') readOnly = text.toLowerCase() === 'true';
    },
    file(_name, filename) {
      if (filename === undefined || filename === '') return undefined;
      return async (content) => {
        try {
          const { size } = await upload.write('input', filename, kept(content));
          taken.push({ status: 'success', name: filename, size });
        } catch (error) {
          content.resume();
          if (!(error instanceof ApiError)) throw error;
          taken.push({ status: 'error', name: filename, error: error.message });
        }
      };
    },
  });
  return { taken, readOnly, files: taken.filter((file) => file.status === 'success') };
}
