import { StartError } from '../errors.ts';

/** One thing that jobs need, as it is on this machine. */
export interface Finding {
  name: string;
  /** `weak`: jobs run all the same. */
  state: 'ok' | 'weak' | 'failed';
  detail: string;
  /** What mends it, line by line. */
  remedies: string[];
}

export const finding = (name: string, state: Finding['state'], detail: string, ...remedies: string[]): Finding => ({
  name,
  state,
  detail,
  remedies,
});

export const failure = (name: string, error: unknown): Finding =>
  error instanceof StartError
    ? finding(name, 'failed', error.message, error.remedy)
    : finding(name, 'failed', error instanceof Error ? error.message : String(error));
