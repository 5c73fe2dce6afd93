import type { Terminal } from "../terminal/terminal.ts";

/** Packages that change other packages as Node loads them, which it does with none that are in a bundle. */
const hook = /[\\/]node_modules[\\/]((?:require|import)-in-the-middle)[\\/]/;

/** A hint where a script was bundled with what would find nothing there to do: OpenTelemetry and its like say nothing then. */
export function requireHookLines(bundled: readonly string[], { style }: Pick<Terminal, "style">): string[] {
  const names = new Set(bundled.flatMap((file) => hook.exec(file)?.[1] ?? []));
  if (names.size === 0) return [];
  const what = [...names].sort().join(" and ");
  return [
    `${style("warning", "!")} bundled with ${what}, which see${names.size === 1 ? "s" : ""} Node's own modules alone there: \`external: ["*"]\` leaves packages out of the bundle, where they are found`,
  ];
}
