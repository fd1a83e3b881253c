/** What Docker masks, and the kernel's symbols. What only the host's root may read needs no mask. */
export const MASKED_PROC = [
  'keys',
  'key-users',
  'kallsyms',
  'kcore',
  'timer_list',
  'sched_debug',
  'latency_stats',
  'sysrq-trigger',
  'kmsg',
  'kpagecount',
  'kpageflags',
];
