import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { ConstellationError } from "@constellation/contract";
import type { GuestProgram } from "./adapter.ts";

/**
 * A program that the project, or a workspace above it, has installed; as its script starts it, where that is through Node.
 *
 * @throws ConstellationError exec.failed
 */
export function projectProgram(root: string, name: string, node: readonly string[]): GuestProgram {
  if (node.length > 0) return { program: process.execPath, args: node, environment: {} };
  for (let at = root; ; at = dirname(at)) {
    const path = join(at, "node_modules/.bin", name);
    if (existsSync(path)) return { program: path, args: [], environment: {} };
    if (dirname(at) === at) break;
  }
  throw new ConstellationError("exec.failed", `Cannot run ${name} in ${root}: it is not installed there`, {
    remedy: "Run `npm install`, or name another framework with --framework.",
  });
}
