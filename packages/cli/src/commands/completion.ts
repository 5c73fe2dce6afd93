import type { Command } from "commander";
import { completionScript, shells } from "../completion/script.ts";
import { describeTree } from "../completion/tree.ts";
import type { Context } from "../context.ts";

/** `constellation completion bash|zsh|fish` */
export function define(command: Command, context: Context): void {
  command
    .addArgument(command.createArgument("<shell>", shells.join(", ")).choices(shells))
    .addHelpText("after", `\nFor bash, add this line to ~/.bashrc:\n  eval "$(constellation completion bash)"\n`)
    .action(async (shell: (typeof shells)[number]) => {
      // Only here, so that no other command loads the whole tree.
      const { wholeProgram } = await import("../program.ts");
      context.out.write(completionScript(shell, describeTree(await wholeProgram(context))));
    });
}
