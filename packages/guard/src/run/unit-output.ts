import { randomUUID } from "node:crypto";
import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

/** Where one unit writes. */
export interface UnitOutput {
  readonly target: "inherit" | number;
  /** Hands over what was written; once. */
  release(): void;
}

/**
 * Keeps the output of units that run side by side apart, and hands each over in one piece when its unit has ended. The file
 * has no name from the start: nothing of it can be left behind.
 */
export function unitOutput(output: "inherit" | number, alone: boolean, folder: string): UnitOutput {
  if (alone) return { target: output, release: () => undefined };
  const path = join(folder, `output-${randomUUID()}`);
  const descriptor = openSync(path, "w+", 0o600);
  rmSync(path);
  let isReleased = false;
  return {
    target: descriptor,
    release() {
      if (isReleased) return;
      isReleased = true;
      const block = Buffer.allocUnsafe(64 * 1024);
      let position = 0;
      for (let read = 1; read > 0;) {
        read = readSync(descriptor, block, 0, block.length, position);
        position += read;
        if (read === 0) break;
        // The stream may keep what it is given until later.
        if (output === "inherit") process.stdout.write(Buffer.from(block.subarray(0, read)));
        else writeSync(output, block, 0, read);
      }
      closeSync(descriptor);
    },
  };
}
