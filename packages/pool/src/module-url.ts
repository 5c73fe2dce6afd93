import { pathToFileURL } from "node:url";
import { PoolError } from "./failure.ts";

/** Where a module is, as a URL; `what` could not be done when that cannot be known. */
export function moduleUrl(module: URL | string, what: string): string | PoolError {
  const text = String(module);
  if (/^(file|data|node):/.test(text)) return text;
  if (text.startsWith("/")) return pathToFileURL(text).href;
  return new PoolError(
    "options-invalid",
    `Cannot ${what}: module is ${JSON.stringify(text)}, ` +
      `wanted an absolute path or URL, such as new URL("./tasks.js", import.meta.url)`,
  );
}
