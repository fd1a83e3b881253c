import type { Status } from '../../../src/client/client.ts';

const WORDS: Record<Status, string> = {
  queued: 'Queued',
  running: 'Running',
  succeeded: 'Succeeded',
  failed: 'Failed',
  canceled: 'Canceled',
};

export function StatusBadge({ status }: { status: Status }) {
  return (
    <span class={`badge is-${status}`} data-status={status}>
      {WORDS[status]}
    </span>
  );
}
