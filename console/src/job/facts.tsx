import type { Job } from '../../../src/client/client.ts';
import { bytes, duration, plural } from '../words.ts';

/** How much of its allowance a job has used. */
function Meter({ name, value, detail, share }: { name: string; value: string; detail: string; share: number | undefined }) {
  return (
    <div class="meter">
      <dt>{name}</dt>
      <dd>
        <strong>{value}</strong>
        <span class="faint">{detail}</span>
        {share !== undefined && (
          <span class="meter-bar" data-high={share > 0.85}>
            <span style={{ width: `${Math.min(100, Math.max(1.5, share * 100))}%` }} />
          </span>
        )}
      </dd>
    </div>
  );
}

export function Facts({ job }: { job: Job }) {
  const { usage, spec, created_at: created, started_at: started, exit_code: code, attempt } = job;
  const waited = started === null ? undefined : Date.parse(started) - Date.parse(created);
  return (
    <dl class="facts" aria-label="Usage">
      {usage !== null && (
        <>
          <Meter
            name="Time"
            value={duration(usage.wall_ms)}
            detail={`of ${spec.timeout_sec} s`}
            share={usage.wall_ms / 1000 / spec.timeout_sec}
          />
          <Meter
            name="CPU"
            value={duration(usage.cpu_ms)}
            detail={usage.wall_ms > 0 ? `${(usage.cpu_ms / usage.wall_ms).toFixed(2)} of ${spec.cpu_limit} cores` : ''}
            share={usage.wall_ms > 0 ? usage.cpu_ms / usage.wall_ms / spec.cpu_limit : undefined}
          />
          <Meter
            name="Memory"
            value={bytes(usage.max_rss_bytes)}
            detail={`of ${spec.mem_limit_mb} MiB`}
            share={usage.max_rss_bytes / 1024 ** 2 / spec.mem_limit_mb}
          />
        </>
      )}
      <Meter
        name="Exit code"
        value={code === null ? 'none' : String(code)}
        detail={job.signal ?? (attempt > 1 ? plural(attempt, 'attempt') : '')}
        share={undefined}
      />
      {waited !== undefined && <Meter name="Waited" value={duration(Math.max(0, waited))} detail="in the queue" share={undefined} />}
    </dl>
  );
}
