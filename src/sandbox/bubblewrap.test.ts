import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { systemPython } from '../../test/support/system-python.ts';
import { createBubblewrap } from './bubblewrap.ts';
import { sandboxContract } from './sandbox.contract.ts';

const INSTANCE = 'contract';

sandboxContract('bubblewrap', async () => {
  const interpreter = await systemPython();
  const sandbox = createBubblewrap({ instance: INSTANCE, firstUid: 54_321, ready: 1, interpreter: () => interpreter });
  return { sandbox, interpreter, close: async () => undefined };
});

describe('bubblewrap on this host', () => {
  it('leaves neither work folder nor control group nor mount behind when it is closed', async () => {
    const interpreter = await systemPython();
    const instance = `leaves-nothing-${process.pid}`;
    const sandbox = createBubblewrap({ instance, firstUid: 54_321, ready: 1, interpreter: () => interpreter });
    await sandbox.check();
    await sandbox.close();
    expect((await readdir(tmpdir())).filter((name) => name.includes(instance))).toEqual([]);
  });
});
