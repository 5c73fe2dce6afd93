import { existsSync } from "node:fs";
import { dirname } from "node:path";
import type { ResolvedRun } from "../driver/start-request.ts";

/** How Node runs a script: its words, and what must be readable inside. */
export interface NodeProgram {
  readonly argv: readonly string[];
  readonly readable: readonly string[];
}

/** Part of the memory limit that JavaScript objects may fill; the rest is for buffers, code and the stack. */
const heapShare = 0.75;
/** Below this V8 cannot even start. */
const leastHeapMegabytes = 16;

/**
 * The command that runs a `.js`, `.mjs` or `.cjs` artifact on the Node that runs us. Node cannot see the control group
 * from inside, so that a memory limit is told to V8 too: it then collects before the kernel kills.
 */
export function nodeProgram(run: ResolvedRun & { readonly kind: "script" }, memoryBytes: number | null): NodeProgram {
  const map = `${run.file}.map`;
  const mapped = existsSync(map);
  const flags = [...(memoryBytes === null ? [] : [heapFlag(memoryBytes)]), ...(mapped ? ["--enable-source-maps"] : [])];
  return {
    argv: [process.execPath, ...flags, run.file, ...run.args],
    readable: [run.file, ...(mapped ? [map] : [])],
  };
}

/** The folder that holds this Node and its npm, where it is not one of the system's. */
export function nodePrefix(): string | null {
  const prefix = dirname(dirname(process.execPath));
  return /^\/(usr|bin|opt)(\/|$)/.test(prefix) || prefix === "/" ? null : prefix;
}

function heapFlag(memoryBytes: number): string {
  const megabytes = Math.floor((memoryBytes * heapShare) / 2 ** 20);
  return `--max-old-space-size=${Math.max(leastHeapMegabytes, megabytes)}`;
}
