/** `redrive completion <shell>`: a script that completes commands and options, made from the commands themselves. */
import { Argument, Command } from 'commander';
import { printLine } from './output.ts';

export function completionCommand(program: () => Command): Command {
  return new Command('completion')
    .description('print a completion script: source <(redrive completion bash)')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .action((shell: string) => {
      const table = describe(program(), []);
      printLine(shell === 'fish' ? fish(table) : shell === 'zsh' ? zsh(table) : bash(table));
    });
}

interface Entry {
  /** `dlq redrive`; empty for the program itself. */
  readonly path: string;
  readonly words: readonly { readonly word: string; readonly description: string }[];
}

function describe(command: Command, path: readonly string[]): Entry[] {
  const visible = command.createHelp();
  const words = [
    ...visible
      .visibleCommands(command)
      .map((child) => ({ word: child.name(), description: child.description() })),
    ...visible.visibleOptions(command).map((option) => ({
      word: option.long ?? option.short ?? '',
      description: option.description,
    })),
  ];
  return [
    { path: path.join(' '), words },
    ...command.commands.flatMap((child) => describe(child, [...path, child.name()])),
  ];
}

const plain = (text: string) => text.replace(/['"`$\\\n]/g, '');

/** The command line so far without its options is the path. */
const PATH_OF_WORDS = `
  local path="" word
  for word in "\${words[@]:1:$((current - 1))}"; do
    case "$word" in -*) ;; *) path="\${path:+$path }$word" ;; esac
  done
  # Arguments are no commands: the longest path that is known counts.
  while [ -n "$path" ] && [ -z "\${_redrive_words[$path]:-}" ]; do
    case "$path" in *" "*) path="\${path% *}" ;; *) path="" ;; esac
  done`;

function bash(table: readonly Entry[]): string {
  const rows = table.map(
    ({ path, words }) => `  ["${path || '.'}"]="${words.map(({ word }) => word).join(' ')}"`,
  );
  return `# bash completion of redrive
declare -gA _redrive_words=(
${rows.join('\n')}
)
_redrive() {
  local words=("\${COMP_WORDS[@]}") current=$COMP_CWORD${PATH_OF_WORDS}
  COMPREPLY=($(compgen -W "\${_redrive_words[\${path:-.}]}" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _redrive redrive`;
}

function zsh(table: readonly Entry[]): string {
  return `#compdef redrive
autoload -U +X bashcompinit && bashcompinit
${bash(table)}`;
}

function fish(table: readonly Entry[]): string {
  const lines = table.flatMap(({ path, words }) => {
    const names = path === '' ? [] : path.split(' ');
    const seen = names.map((name) => `__fish_seen_subcommand_from ${name}`).join('; and ');
    const children = words.filter(({ word }) => !word.startsWith('-')).map(({ word }) => word);
    const none = children.length > 0 ? `not __fish_seen_subcommand_from ${children.join(' ')}` : '';
    const condition = [seen, none].filter(Boolean).join('; and ');
    return words.map(({ word, description }) => {
      const what = word.startsWith('--')
        ? `-l ${word.slice(2)}`
        : word.startsWith('-')
          ? `-s ${word.slice(1)}`
          : `-f -a ${word}`;
      return `complete -c redrive${condition ? ` -n '${condition}'` : ''} ${what} -d '${plain(description)}'`;
    });
  });
  return ['# fish completion of redrive', ...lines].join('\n');
}
