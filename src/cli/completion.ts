import { Argument, type Command, type Option } from 'commander';
import { print } from './terminal.ts';

/** Completion scripts, made from the commands themselves. */

interface Entry {
  name: string;
  description: string;
  options: readonly Option[];
}

const flagsOf = (option: Option): string[] => [option.short, option.long].filter((flag) => flag !== undefined && flag !== null);

const entriesOf = (program: Command): Entry[] =>
  program.commands.map((command) => ({
    name: command.name(),
    description: command.summary(),
    options: [...command.options, ...program.options],
  }));

/** In single quotes, for a shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

function bash(program: Command): string {
  const entries = entriesOf(program);
  const names = entries.map(({ name }) => name);
  const cases = entries.map(({ name, options }) => `    ${name}) words=${quoted([...options.flatMap(flagsOf), '--help'].join(' '))} ;;`);
  return `# bash completion of job-runner: eval "$(job-runner completion bash)"
_job_runner() {
  local current="\${COMP_WORDS[COMP_CWORD]}" command= word words
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in ${names.join('|')}) command="$word"; break ;; esac
  done
  case "$command" in
${cases.join('\n')}
    *) words=${quoted([...names, ...program.options.flatMap(flagsOf), '--help'].join(' '))} ;;
  esac
  COMPREPLY=()
  if [[ -z "$command" || "$current" == -* ]]; then COMPREPLY=($(compgen -W "$words" -- "$current")); fi
}
complete -o default -o bashdefault -F _job_runner job-runner
`;
}

function zsh(program: Command): string {
  const entries = entriesOf(program);
  /** \`_describe\` splits at colons. */
  const item = (name: string, description: string): string => quoted(`${name}:${description.replaceAll(':', ' ')}`);
  const cases = entries.map(({ name, options }) => {
    const items = options.flatMap((option) => flagsOf(option).map((flag) => item(flag, option.description)));
    return `    ${name}) options=(${items.join(' ')}) ;;`;
  });
  return `#compdef job-runner
# zsh completion of job-runner: eval "$(job-runner completion zsh)"
_job_runner() {
  local -a commands options
  local word command
  commands=(${entries.map(({ name, description }) => item(name, description)).join(' ')})
  for word in \${words[2,CURRENT-1]}; do
    case $word in ${entries.map(({ name }) => name).join('|')}) command=$word; break ;; esac
  done
  case $command in
${cases.join('\n')}
    *) _describe command commands; return ;;
  esac
  if [[ $PREFIX == -* ]]; then _describe option options; else _files; fi
}
compdef _job_runner job-runner
`;
}

function fish(program: Command): string {
  const line = (condition: string, rest: string, description: string): string =>
    `complete -c job-runner -n ${quoted(condition)} ${rest} -d ${quoted(description)}`;
  const option = (condition: string, { short, long, required, description }: Option): string => {
    const flags = [
      ...(long === undefined || long === null ? [] : [`-l ${long.slice(2)}`]),
      ...(short === undefined || short === null ? [] : [`-s ${short.slice(1)}`]),
    ];
    return line(condition, [...flags, ...(required ? ['-r'] : [])].join(' '), description);
  };
  const entries = entriesOf(program);
  return [
    '# fish completion of job-runner: job-runner completion fish | source',
    ...entries.map(({ name, description }) => line('__fish_use_subcommand', `-f -a ${name}`, description)),
    ...entries.flatMap(({ name, options }) => options.map((each) => option(`__fish_seen_subcommand_from ${name}`, each))),
    '',
  ].join('\n');
}

const SHELLS: Record<string, (program: Command) => string> = { bash, zsh, fish };

export function addCompletion(program: Command): void {
  program
    .command('completion')
    .summary('print a completion script for a shell')
    .description('Prints a script that makes a shell complete job-runner’s commands and options.')
    .addArgument(new Argument('<shell>', 'for which shell').choices(Object.keys(SHELLS)))
    .addHelpText(
      'after',
      '\nExamples:\n  eval "$(job-runner completion bash)"     in ~/.bashrc\n  eval "$(job-runner completion zsh)"      in ~/.zshrc, after compinit\n  job-runner completion fish | source      in ~/.config/fish/config.fish',
    )
    .action((shell: string) => print(SHELLS[shell]?.(program) ?? ''));
}
