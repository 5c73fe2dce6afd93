import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** Modules that nobody has imported before: sixty functions each, and a default export that answers. */
export function openModules() {
  const directory = mkdtempSync(join(tmpdir(), "bench-pool-"));
  let made = 0;
  return {
    /** URL of a new one. */
    next() {
      made += 1;
      const path = join(directory, `m${made}.mjs`);
      const functions = Array.from({ length: 60 }, (_, at) => `export const f${at} = (x) => x * ${at} + Math.sin(x);`);
      writeFileSync(path, `${functions.join("\n")}\nexport default (channel, x) => f1(x) + ${made};\n`);
      return pathToFileURL(path).href;
    },
    close: () => rmSync(directory, { recursive: true }),
  };
}
