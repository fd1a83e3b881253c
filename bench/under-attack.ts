import { latency, submit } from './latency.ts';

/** Each does one thing without end, on as much of a processor as it is given. */
const ATTACKERS: Readonly<Record<string, string>> = {
  'fork bomb': 'import os\nwhile True:\n  try: os.fork()\n  except OSError: pass\n',
  'memory bomb': 'taken = []\nwhile True: taken.append(bytearray(1 << 20))\n',
  'flood of output': 'while True: print("x" * 100)\n',
  'full disk':
    'import os\nwhile True:\n  with open(os.environ["JOB_OUTPUT_DIR"] + "/fill", "wb", 0) as file:\n    try:\n      while True: file.write(b"x" * 65536)\n    except OSError: pass\n',
};
const SPEC = { cpu_limit: 0.25, timeout_sec: 20 };
const GOOD = 'print("hello")\n';
const ROUNDS = 3;

export interface UnderAttack {
  attackers: string[];
  quietMs: number[];
  attackedMs: number[];
  /** How many attackers ran while the good jobs did. */
  attacks: number;
}

/** All attackers at once, each begun anew when it has ended. Resolves when all of them run; `stop` when none does any more. */
async function attack(base: string): Promise<{ stop(): Promise<number> }> {
  let stopped = false;
  let count = 0;
  const current = new Set<string>();
  const over = async (id: string): Promise<void> => {
    // Read as it comes and thrown away: what is flooded is the service, not this process.
    const response = await fetch(`${base}/jobs/${id}/events`);
    for await (const _ of response.body ?? []);
  };
  const running = async (id: string): Promise<void> => {
    for (;;) {
      const { job } = (await (await fetch(`${base}/jobs/${id}`)).json()) as { job: { status: string } };
      if (job.status !== 'queued') return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const begun: Promise<void>[] = [];
  const lives = Object.values(ATTACKERS).map(async (program) => {
    for (let first = true; !stopped; first = false) {
      const id = await submit(base, program, SPEC);
      current.add(id);
      count += 1;
      if (first) begun.push(running(id));
      await over(id);
      current.delete(id);
    }
  });
  while (begun.length < lives.length) await new Promise((resolve) => setTimeout(resolve, 20));
  await Promise.all(begun);
  return {
    async stop() {
      stopped = true;
      for (const id of current) await fetch(`${base}/jobs/${id}/cancel`, { method: 'POST' });
      await Promise.all(lives);
      return count;
    },
  };
}

/** What a good job takes beside hostile ones, and what it takes alone, in turns: both meet the same weather. */
export async function underAttack(base: string, runs: number): Promise<UnderAttack> {
  const [quietMs, attackedMs]: [number[], number[]] = [[], []];
  let attacks = 0;
  const measure = async (times: number[]): Promise<void> => {
    for (let run = 0; run < runs; run += 1) times.push((await latency(base, GOOD)).endMs);
  };
  await measure([]);
  for (let round = 0; round < ROUNDS; round += 1) {
    await measure(quietMs);
    const siege = await attack(base);
    await measure(attackedMs);
    attacks += await siege.stop();
  }
  return { attackers: Object.keys(ATTACKERS), quietMs, attackedMs, attacks };
}
