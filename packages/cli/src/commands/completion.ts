import type { Command } from "commander";
import { completionScript, shells } from "../completion/script.ts";
import { describeTree } from "../completion/tree.ts";
import type { Context } from "../context.ts";

/** `constellation completion bash|zsh|fish` */
export function define(command: Command, context: Context): void {
  command
    .addArgument(command.createArgument("<shell>", shells.join(", ")).choices(shells))
    .addHelpText("after", `\nFor bash, add this line to ~/.bashrc:\n  eval "$(constellation completion bash)"\n`)
    .action((shell: (typeof shells)[number], _options, { parent }: Command) => {
      if (parent !== null) context.out.write(completionScript(shell, describeTree(parent)));
    });
}
