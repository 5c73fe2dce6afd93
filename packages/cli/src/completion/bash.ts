import type { DescribedCommand } from "./tree.ts";
import { choicesOf, operandOf, optionsOf, wordsOf } from "./words.ts";

/** Names may hold blanks; bash then quotes them, and ends those of folders with a slash. Bash 3 has neither `mapfile` nor `compopt`. */
const files = `_constellation_files() {
  local name
  while IFS= read -r name; do COMPREPLY+=("$name"); done < <(compgen -f -- "$1")
  compopt -o filenames 2>/dev/null
}`;
const addFiles = '_constellation_files "$word";';

/** Completion for bash, see "Programmable Completion" in bash(1). */
export function bashScript({ commands }: DescribedCommand): string {
  const cases = commands.map((command) => {
    const operand = operandOf(command);
    const inner = command.commands.map(({ name }) => name);
    const words = [...inner, ...choicesOf(command), ...optionsOf(command).flatMap(wordsOf)];
    const names =
      operand === "apps" || operand === "instances" || operand === "names"
        ? ` $(constellation __complete ${operand} 2>/dev/null)`
        : "";
    const more = operand === "files" ? ` ${addFiles}` : "";
    return `    ${command.name})${values(command)} COMPREPLY=($(compgen -W "${[...new Set(words)].join(" ")}${names}" -- "$word"));${more} ;;`;
  });
  return `# bash completion for constellation
${files}
_constellation() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}"
  COMPREPLY=()
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

/** What comes after an option with a value is that value. */
function values(command: DescribedCommand): string {
  const cases = optionsOf(command)
    .filter(({ takesValue }) => takesValue)
    .map((option) => {
      const chosen = `COMPREPLY=($(compgen -W "${option.choices.join(" ")}" -- "$word"));`;
      const complete = option.takesFile ? addFiles : option.choices.length > 0 ? chosen : "";
      return `${wordsOf(option).join("|")}) ${complete} return ;;`;
    });
  return cases.length === 0 ? "" : ` case "$before" in ${[...new Set(cases)].join(" ")} esac;`;
}
