import type { Command } from "commander";
import { ConstellationError } from "@constellation/sdk";
import { completionScript, shells } from "../completion/script.ts";
import { describeTree } from "../completion/tree.ts";
import type { Context } from "../context.ts";

/** `constellation completion bash|zsh|fish` */
export function define(command: Command, context: Context): void {
  command
    .argument("<shell>", shells.join(", "))
    .addHelpText("after", `\nFor bash, add this line to ~/.bashrc:\n  eval "$(constellation completion bash)"\n`)
    .action(async (shell: string) => {
      const known = shells.find((name) => name === shell);
      if (known === undefined)
        throw new ConstellationError("usage.invalid", `There is no completion for ${JSON.stringify(shell)}`, {
          remedy: `Name one of ${shells.join(", ")}.`,
        });
      // Only here, so that no other command loads the whole tree.
      const { wholeProgram } = await import("../program.ts");
      context.out.write(completionScript(known, describeTree(await wholeProgram(context))));
    });
}
