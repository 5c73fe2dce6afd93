import type { DescribedCommand, DescribedOption } from "./tree.ts";
import { choicesOf, operandOf, optionsOf, quote, wordsOf } from "./words.ts";

/** Completion for zsh, see zshcompsys(1). */
export function zshScript({ commands }: DescribedCommand): string {
  const list = commands.map(({ name, summary }) => `    ${quote(`${name}:${summary}`)}`);
  const cases = commands.map((command) => {
    const options = optionsOf(command).flatMap((option) =>
      wordsOf(option).map((word) => quote(`${word}[${escape(option.description)}]${value(option)}`)),
    );
    return `    ${command.name}) _arguments ${[...new Set(options), operand(command)].join(" ")} ;;`;
  });
  return `#compdef constellation
# zsh completion for constellation
_constellation() {
  local -a commands names
  commands=(
${list.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case "\${words[2]}" in
${cases.join("\n")}
  esac
}
_constellation_apps() { names=("\${(@f)$(constellation __complete apps 2>/dev/null)}"); compadd -a names }
_constellation_instances() { names=("\${(@f)$(constellation __complete instances 2>/dev/null)}"); compadd -a names }
_constellation_names() { names=("\${(@f)$(constellation __complete names 2>/dev/null)}"); compadd -a names }
# As a file of a folder in $fpath this is the body of the function itself, when it is first asked.
if [ "$funcstack[1]" = _constellation ]; then
  _constellation "$@"
else
  compdef _constellation constellation
fi
`;
}

function value({ takesValue, takesFile, choices }: DescribedOption): string {
  if (!takesValue) return "";
  return `:value:${takesFile ? "_files" : choices.length > 0 ? `(${choices.join(" ")})` : ""}`;
}

function operand(command: DescribedCommand): string {
  if (command.commands.length > 0) return quote(`2:command:(${command.commands.map(({ name }) => name).join(" ")})`);
  if (choicesOf(command).length > 0) return quote(`*:word:(${choicesOf(command).join(" ")})`);
  const kind = operandOf(command);
  if (kind === "files") return quote("*:file:_files");
  return kind === "none" ? quote("*: :") : quote(`*:${kind}:_constellation_${kind}`);
}

const escape = (text: string): string => text.replace(/[[\]:\\]/g, "\\$&");
