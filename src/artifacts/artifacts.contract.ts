import { describe } from 'vitest';
import type { OpenArtifacts } from './contract/artifacts-under-test.contract.ts';
import { downloading } from './contract/downloading.contract.ts';
import { housekeeping } from './contract/housekeeping.contract.ts';
import { keeping } from './contract/keeping.contract.ts';
import { logs } from './contract/logs.contract.ts';
import { removing } from './contract/removing.contract.ts';
import { uploading } from './contract/uploading.contract.ts';

/** What every driver promises, by behaviour. */
export function artifactsContract(name: string, open: OpenArtifacts): void {
  describe(`artifacts ${name}`, () => {
    uploading(open);
    keeping(open);
    downloading(open);
    logs(open);
    removing(open);
    housekeeping(open);
  });
}
