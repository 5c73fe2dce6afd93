import { readFileSync } from "node:fs";
import { dirname, extname, join } from "node:path";

/** Whether a text begins with the directive that makes all of it strict; comments may stand before it. */
export const beginsStrict = (text: string): boolean =>
  /^(?:#![^\n]*\n)?(?:\s|\/\/[^\n]*\n|\/\*(?:(?!\*\/)[\s\S])*\*\/)*(["'])use strict\1/.test(text);

/**
 * Whether all code of a source is strict: that of an ES module is. A source that neither imports nor exports is what its
 * ending or its package says.
 *
 * @param format what its text shows
 */
export function isStrict(path: string, format: "cjs" | "esm" | undefined): boolean {
  if (format !== undefined) return format === "esm";
  const ending = extname(path);
  if (/^\.m[jt]s$/.test(ending)) return true;
  return /^\.[jt]sx?$/.test(ending) && packageType(dirname(path)) === "module";
}

function packageType(folder: string): unknown {
  try {
    return (JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { readonly type?: unknown }).type;
  } catch {
    const above = dirname(folder);
    return above === folder ? undefined : packageType(above);
  }
}
