import { describe, expect, it } from 'vitest';
import { NetworkUnavailable } from '../sandbox.ts';
import type { SandboxSuite } from './suite.contract.ts';

export function network(t: SandboxSuite): void {
  describe('network', () => {
    it('gives a run the network that it asks for, with nothing in reach that must not be, or refuses to run it and says why', async () => {
      // Nothing of this is let out of the machine.
      const program = `import socket
for host in ("203.0.113.9", "10.0.0.1", "169.254.169.254", "unlisted.example"):
    try: socket.create_connection((host, 80), 5)
    except OSError as error: print(type(error).__name__)
print([name for _, name in socket.if_nameindex()])`;
      if (t.outbound.possible) {
        const { output } = await t.run(program, { network: { allow: [] } });
        expect(output).toMatch(/^(ConnectionRefusedError\n){3}gaierror\n\['lo', '(tap0|eth0)'\]\n$/);
      } else {
        expect(t.outbound.reason).not.toBe('');
        expect(t.outbound.remedy).not.toBe('');
        for (const network of ['outbound', { allow: [] }] as const)
          await expect(t.begin(program, { network })).rejects.toBeInstanceOf(NetworkUnavailable);
      }
    });
  });
}
