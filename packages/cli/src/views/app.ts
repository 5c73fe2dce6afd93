import type { AppSpec, AppSummary } from "@constellation/contract";
import type { Terminal } from "../terminal/terminal.ts";
import { printable } from "../terminal/width.ts";
import { describeApp } from "./state.ts";

/** One app with all settings in force, defaults included. */
export function appLines(app: AppSummary & { readonly spec: AppSpec }, { style }: Pick<Terminal, "style">): string[] {
  const { text, meaning } = describeApp(app);
  return [
    `${style("strong", app.name)}  ${style(meaning, text)}, ${app.ready} of ${app.wanted} ready, revision ${app.revision}`,
    ...app.urls.map((url) => style("link", url)),
    "",
    ...settings(app.spec, style),
  ];
}

/** `path  value` for every setting that is set. */
function settings(spec: AppSpec, style: Terminal["style"]): string[] {
  const rows = [...leaves(spec, "")];
  const width = Math.max(0, ...rows.map(([path]) => path.length));
  return rows.map(([path, value]) => `${style("dim", path.padEnd(width))}  ${value}`);
}

function* leaves(value: unknown, path: string): Generator<[string, string]> {
  if (value === null || value === undefined) return;
  if (typeof value !== "object") yield [path, typeof value === "string" ? printable(value) : JSON.stringify(value)];
  else if (Array.isArray(value) && value.every((item) => typeof item !== "object")) {
    if (value.length > 0) yield [path, value.map((item) => JSON.stringify(item)).join(" ")];
  } else for (const [key, inner] of Object.entries(value)) yield* leaves(inner, path === "" ? key : `${path}.${key}`);
}
