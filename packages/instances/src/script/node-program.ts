import { existsSync } from "node:fs";
import { dirname } from "node:path";
import type { ResolvedRun } from "../driver/start-request.ts";
import type { ScriptProgram } from "./script-program.ts";

/** How Node runs a script: its words, and what must be readable inside. */
export interface NodeProgram {
  readonly argv: readonly string[];
  readonly readable: readonly string[];
}

/** Part of the memory limit that JavaScript objects may fill; the rest is for buffers, code and stacks. */
const heapShare = 0.75;
/** V8's own default and most for one of the three parts of its young generation, in MiB. */
const mostSemiSpace = 16;
/** Below this V8 cannot even start. */
const leastOldSpace = 16;

/**
 * The command that runs a `.js`, `.mjs` or `.cjs` artifact on the Node that runs us. Node cannot see the control group
 * from inside, so that a memory limit is told to V8 too: it then collects before the kernel kills.
 */
export function nodeProgram(run: ResolvedRun & { readonly kind: "script" }, memoryBytes: number | null): ScriptProgram {
  const map = mapOf(run.file);
  return {
    argv: [process.execPath, ...nodeFlags(memoryBytes, map), run.file, ...run.args],
    readable: [run.file, ...(map === null ? [] : [map])],
  };
}

/** Node's own options for a script with this source map. */
export function nodeFlags(memoryBytes: number | null, map: string | null): string[] {
  return [...(memoryBytes === null ? [] : heapFlags(memoryBytes)), ...(map === null ? [] : ["--enable-source-maps"])];
}

/** The source map that lies beside a script; null: none does. */
export function mapOf(file: string): string | null {
  const map = `${file}.map`;
  return existsSync(map) ? map : null;
}

/** The folder that holds this Node and its npm, where it is not one of the system's. */
export function nodePrefix(): string | null {
  const prefix = dirname(dirname(process.execPath));
  return /^\/(usr|bin|opt)(\/|$)/.test(prefix) || prefix === "/" ? null : prefix;
}

/** The young generation is three semi-spaces, the old one has what is left of the share (V8 flags, in MiB). */
function heapFlags(memoryBytes: number): string[] {
  const limit = Math.floor(memoryBytes / 2 ** 20);
  // V8 rounds a semi-space up to a power of two.
  const semiSpace = Math.min(mostSemiSpace, 2 ** Math.max(0, Math.floor(Math.log2(limit / 16))));
  const oldSpace = Math.max(leastOldSpace, Math.floor(limit * heapShare) - 3 * semiSpace);
  return [`--max-semi-space-size=${semiSpace}`, `--max-old-space-size=${oldSpace}`];
}
