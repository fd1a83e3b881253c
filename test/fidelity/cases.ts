/** Programs that are run warm, cold and by the bare interpreter; each is a file of ./programs, or given as bytes. */
export interface Case {
  name: string;
  program: string;
  /** In place of the file, where an editor would mend what it is about. */
  bytes?: Buffer;
  args?: string[];
  stdin?: string;
  env?: Record<string, string>;
}

const exitForms = Array.from({ length: 16 }, (_, form) => ({ program: 'exit_forms', args: [String(form)] }));
const stdinForms = ['input', 'lines', 'bytes', 'descriptor', 'file', 'seek'].flatMap((form) => [
  { program: 'stdin_forms', args: [form] },
  { program: 'stdin_forms', args: [form], stdin: 'one\ntwo é' },
]);
const holders = ['excepthook', 'signal', 'builtins', 'typing'].map((form) => ({ program: 'file_held', args: [form] }));
const signals = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGALRM', 'SIGKILL', 'SIGSEGV', 'SIGINT', 'SIGXCPU'].map((name) => ({
  program: 'signal_default',
  args: [name],
}));

const given: (Omit<Case, 'name'> & { name?: string })[] = [
  ...exitForms,
  ...stdinForms,
  ...signals,
  ...holders,
  { program: 'multiprocessing_start_methods', args: ['fork', 'spawn', 'forkserver'] },
  { program: 'sys_state', args: ['--flag', 'é ', ''] },
  { program: 'surroundings', env: { MINE: 'a=b\nc' } },
  { program: 'time_zone', env: { TZ: 'Asia/Kolkata' } },
  { program: 'argparse_error', args: ['--number', 'x'] },
  { program: 'bytes', name: 'null byte', bytes: Buffer.from('print(1)\nprint("a\0b")\n') },
  { program: 'bytes', name: 'no utf-8', bytes: Buffer.from('print(1)\nprint("\xE9")\n', 'latin1') },
  { program: 'bytes', name: 'latin-1, declared', bytes: Buffer.from('# coding: latin-1\nprint("\xE9")\n', 'latin1') },
  { program: 'bytes', name: 'unknown coding', bytes: Buffer.from('# coding: none-such\nprint(1)\n') },
  { program: 'bytes', name: 'byte order mark', bytes: Buffer.from('\uFEFFprint(1)\n1/0') },
  { program: 'bytes', name: 'carriage returns', bytes: Buffer.from('print(1)\r\nif 1:\r\n  print("""a\r\nb""")\r\n') },
  { program: 'bytes', name: 'empty', bytes: Buffer.alloc(0) },
  { program: 'bytes', name: 'tabs and spaces', bytes: Buffer.from('if 1:\n\tprint(1)\n        print(2)\n') },
  { program: 'bytes', name: 'unfinished', bytes: Buffer.from('print("""') },
  { program: 'bytes', name: 'too deep', bytes: Buffer.from(`${'('.repeat(300)}1${')'.repeat(300)}`) },
  { program: 'bytes', name: 'warning while compiling', bytes: Buffer.from('print("a" is "a")\n') },
  { program: 'bytes', name: 'warning before an error', bytes: Buffer.from('print("a" is "a")\nbreak\n') },
];

/** What can't be the same, and why. These are asserted to differ: one that does no more leaves this list, and docs/warm-starts.md. */
export const DIFFERENCES: Record<string, string> = {
  stack_of_main: 'below the program lies one frame of the process that it was forked in',
  warnings_beyond: 'a warning that is laid at the door of the main program’s caller finds that frame, not "sys"',
  faulthandler_dump: 'so does a dump of the C stack’s Python frames',
  recursion_depth: 'and the limit of recursion is reached one or two calls earlier',
  command_line: '/proc/self/cmdline is the job’s, but keeps the length of the fork server’s: zeros follow',
  parents: 'the parent is in an outer process namespace: getppid() is 0',
  initial_environment: '/proc/self/environ is the fork server’s, without the job’s variables; os.environ and getenv() are the job’s',
  loaded_modules: 'sys.modules holds what was imported ahead',
  gc_frozen: 'what was imported ahead is frozen, so that collections leave it shared',
  immortal_objects: 'nor does their use count as a reference, for that would be written into pages that jobs share',
  del_of_held: 'objects that a library or the interpreter itself holds are not found by who does not take the heap apart',
  import_in_del: 'imports still work in finalisers at the very end, where the interpreter has taken its import system apart',
};

/** Differences that not every Python has. */
const ONLY_ON: Record<string, readonly string[]> = { immortal_objects: ['3.12', '3.13'] };

export const differsOn = (program: string, series: string): boolean =>
  program in DIFFERENCES && (ONLY_ON[program]?.includes(series) ?? true);

/** What the sandbox itself makes different from a bare interpreter: warm and cold are compared only. */
export const SANDBOX_ONLY: ReadonlySet<string> = new Set(['world']);

export function casesFrom(programs: readonly string[]): Case[] {
  const named = new Set(given.map(({ program }) => program));
  const plain: typeof given = programs.filter((program) => !named.has(program)).map((program) => ({ program }));
  return [...plain, ...given].map((each) => {
    const { name, args = [], stdin }: Partial<Case> = each;
    return { ...each, name: name ?? [each.program, ...args, ...(stdin === undefined ? [] : ['with stdin'])].join(' ') };
  });
}
