import { bashScript } from "./bash.ts";
import { fishScript } from "./fish.ts";
import type { DescribedCommand } from "./tree.ts";
import { zshScript } from "./zsh.ts";

/** Shells that we complete in. */
export const shells = ["bash", "zsh", "fish"] as const;

/** The completion script of a shell, made from the command tree. */
export function completionScript(shell: (typeof shells)[number], tree: DescribedCommand): string {
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](tree);
}
