import { systemPython } from '../../test/support/system-python.ts';
import { createNone } from './none.ts';
import { sandboxContract } from './sandbox.contract.ts';

sandboxContract('none', async () => ({ sandbox: createNone(), interpreter: await systemPython(), close: async () => undefined }));
