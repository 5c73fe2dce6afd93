import type { Change } from "@constellation/sdk";
import type { Meaning } from "../terminal/style.ts";
import type { Terminal } from "../terminal/terminal.ts";

const signs: Record<Change["change"], { readonly sign: string; readonly meaning: Meaning }> = {
  created: { sign: "+", meaning: "good" },
  updated: { sign: "~", meaning: "warning" },
  scaled: { sign: "~", meaning: "warning" },
  retried: { sign: "~", meaning: "warning" },
  unchanged: { sign: "=", meaning: "dim" },
  orphaned: { sign: "!", meaning: "warning" },
  removed: { sign: "-", meaning: "bad" },
};

/** What an apply does, one line an app and one a difference. */
export function changeLines(changes: readonly Change[], { style }: Pick<Terminal, "style">): string[] {
  return changes.flatMap(({ app, change, revision, differences }) => {
    const { sign, meaning } = signs[change];
    const what =
      change === "orphaned"
        ? `is not in the file any more and goes on; remove it with --prune, or with \`constellation rm ${app}\``
        : change === "removed"
          ? "removed: it is not in the file any more; its data and logs stay"
          : `${change}, revision ${revision}`;
    const head = `${style(meaning, `${sign} ${app}`)}  ${what}`;
    return [head, ...differences.map((difference) => style("dim", `    ${difference}`))];
  });
}
