import type { Command } from 'commander';
import { UsageError } from './io.ts';

/** Scripts that make a shell complete words and flags, out of the declared commands. */
export function completionScript(shell: string, program: Command): string {
  const cases = walk(program, []).map(
    ({ words, next }) => `    ${JSON.stringify(words.join(' '))}) next=${JSON.stringify(next.join(' '))} ;;`,
  );
  const bash = `_imp() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path="" next="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) path="\${path:+$path }$word" ;; esac
  done
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
    --data|--config|--fixture|--endpoints|--token-file|--ca) COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$next" -- "$current"))
}
complete -o default -F _imp imp`;
  if (shell === 'bash') return bash;
  if (shell === 'zsh') return `autoload -U +X bashcompinit && bashcompinit\n${bash}`;
  throw new UsageError(`completion is there for bash and zsh, not for ${shell}`);
}

interface Place {
  /** As far as the line has come. */
  readonly words: readonly string[];
  /** Words and flags that may follow. */
  readonly next: readonly string[];
}

function walk(command: Command, words: readonly string[]): Place[] {
  const flags = [...command.options, ...(command.parent?.options ?? [])].flatMap(({ long }) => (long ? [long] : []));
  const children = command.commands;
  const next = [...children.map((child) => child.name()), ...new Set(flags), '--help'];
  return [{ words, next }, ...children.flatMap((child) => walk(child, [...words, child.name()]))];
}
