import { createHash } from "node:crypto";
import { places } from "@constellation/contract";
import { numberLimit } from "./instance-numbers.ts";

/** Numbers begin at a multiple of this. */
const rangeSize = 64;

/**
 * Where a daemon begins to number: users, addresses and interfaces belong to the whole machine, and daemons with
 * different state folders must not take the same ones. The machine's own daemon begins at 0.
 */
export function firstNumber(stateFolder: string): number {
  if (stateFolder === places({}, 0).stateDirectory) return 0;
  const hash = createHash("sha256").update(stateFolder).digest().readUInt32LE(0);
  return (1 + (hash % (numberLimit / rangeSize - 1))) * rangeSize;
}
