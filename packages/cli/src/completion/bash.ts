import type { DescribedCommand } from "./tree.ts";
import { choicesOf, operandOf, optionWords } from "./words.ts";

/** Names may hold blanks; bash then quotes them, and ends those of folders with a slash. Bash 3 has neither `mapfile` nor `compopt`. */
const addFiles =
  'while IFS= read -r name; do COMPREPLY+=("$name"); done < <(compgen -f -- "$word"); compopt -o filenames 2>/dev/null;';

/** Completion for bash, see "Programmable Completion" in bash(1). */
export function bashScript({ commands }: DescribedCommand): string {
  const cases = commands.map((command) => {
    const operand = operandOf(command);
    const inner = command.commands.map(({ name }) => name);
    const words = [...inner, ...choicesOf(command), ...optionWords(command), ...command.commands.flatMap(optionWords)];
    const names =
      operand === "apps" || operand === "instances" || operand === "names"
        ? ` $(constellation __complete ${operand} 2>/dev/null)`
        : "";
    const files = operand === "files" ? ` ${addFiles}` : "";
    return `    ${command.name}) COMPREPLY=($(compgen -W "${[...new Set(words)].join(" ")}${names}" -- "$word"));${files} ;;`;
  });
  return `# bash completion for constellation
_constellation() {
  local name word="\${COMP_WORDS[COMP_CWORD]}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(" ")}" -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
  esac
}
complete -F _constellation constellation
`;
}
