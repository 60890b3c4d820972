/**
 * `gate completion`: a script that lets a shell complete the commands and their options. Made from the commands
 * themselves, so that it knows each of them.
 */
import { Argument, type Command } from 'commander';
import { show, type Terminal } from './terminal.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

const WHERE = `
bash: gate completion bash > /etc/bash_completion.d/gate
zsh:  gate completion zsh > /usr/local/share/zsh/site-functions/_gate
fish: gate completion fish > ~/.config/fish/completions/gate.fish`;

/** What may follow `gate` and these words. */
interface Level {
  /** `protocols install`; empty at the top. */
  words: string;
  next: { word: string; says: string }[];
}

export function addCompletionCommand(program: Command, terminal: Terminal): void {
  program
    .command('completion')
    .description('a script with which a shell completes this command')
    .addArgument(new Argument('<shell>', 'for which shell').choices(SHELLS))
    .addHelpText('after', WHERE)
    .action((shell: Shell) => {
      const script = shell === 'fish' ? fishScript(program) : shScript(program, shell);
      show(terminal, { shell, script }, () => script);
    });
}

function levelsOf(command: Command, words: readonly string[] = []): Level[] {
  const shown = command.createHelp();
  const next = [
    ...shown
      .visibleCommands(command)
      .map((each) => ({ word: each.name(), says: each.summary() || each.description() })),
    ...[...shown.visibleOptions(command), ...shown.visibleGlobalOptions(command)].flatMap(
      ({ long, description }) => (long ? [{ word: long, says: description }] : []),
    ),
  ];
  const unique = [...new Map(next.map((each) => [each.word, each])).values()];
  return [
    { words: words.join(' '), next: unique },
    ...command.commands.flatMap((each) => levelsOf(each, [...words, each.name()])),
  ];
}

/** zsh reads bash's own by `bashcompinit`. */
function shScript(program: Command, shell: 'bash' | 'zsh'): string {
  const cases = levelsOf(program).map(
    ({ words, next }) => `    "${words}") next="${next.map(({ word }) => word).join(' ')}" ;;`,
  );
  const known = levelsOf(program)
    .map(({ words }) => `"${words}"`)
    .join('|');
  const begin = shell === 'zsh' ? '#compdef gate\nautoload -U +X bashcompinit && bashcompinit\n' : '';
  return `${begin}_gate() {
  local word words="" next="" tried
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    tried="\${words:+$words }$word"
    case "$tried" in ${known}) words="$tried" ;; esac
  done
  case "$words" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$next" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _gate gate`;
}

function fishScript(program: Command): string {
  const quoted = (text: string) => `'${text.replaceAll(/[\\']/g, String.raw`\$&`)}'`;
  return levelsOf(program)
    .flatMap(({ words, next }) => {
      const when =
        words === ''
          ? '__fish_use_subcommand'
          : words
              .split(' ')
              .map((word) => `__fish_seen_subcommand_from ${word}`)
              .join('; and ');
      return next.map(({ word, says }) => {
        const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${word}`;
        return `complete -c gate -f -n ${quoted(when)} ${what} -d ${quoted(says)}`;
      });
    })
    .join('\n');
}
