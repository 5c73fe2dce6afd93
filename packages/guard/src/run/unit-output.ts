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
      if (output === "inherit") return void (shown = shown.then(() => show(descriptor)));
      for (const block of blocksOf(descriptor)) writeSync(output, block);
    },
  };
}

/** One after the other, so that none stands in the middle of another. */
let shown: Promise<void> = Promise.resolve();

/** Settles when all that units have written is with standard output: whoever exits before has their reader lose the rest. */
export const outputHandedOver = (): Promise<void> => shown;

/** As fast as somebody reads it: it may be of gigabytes, and a stream would keep all that it is given. */
async function show(descriptor: number): Promise<void> {
  const { stdout } = process;
  for (const block of blocksOf(descriptor)) {
    if (stdout.write(block)) continue;
    await new Promise<void>((resolve) => {
      const goOn = (): void => {
        for (const event of ["drain", "error", "close"]) stdout.off(event, goOn);
        resolve();
      };
      for (const event of ["drain", "error", "close"]) stdout.on(event, goOn);
    });
  }
}

function* blocksOf(descriptor: number): Generator<Buffer> {
  try {
    for (let position = 0; ;) {
      // A new one each time: the stream may keep what it is given until later.
      const block = Buffer.allocUnsafe(64 * 1024);
      const read = readSync(descriptor, block, 0, block.length, position);
      if (read === 0) return;
      position += read;
      yield block.subarray(0, read);
    }
  } finally {
    closeSync(descriptor);
  }
}
