import { useEffect, useState } from 'preact/hooks';
import { duration } from '../words.ts';

/** How long something has been going on by now. */
export function Elapsed({ since }: { since: string }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const ms = Math.max(0, now - Date.parse(since));
  return <span class="faint elapsed">{ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : duration(Math.floor(ms / 1000) * 1000)}</span>;
}
