import { closeSync, constants, openSync } from "node:fs";
import { Socket } from "node:net";
import { isSupervised } from "./control.ts";
import { EXIT_RECORD_BYTES, type ExitRecord, parseExitRecord, readExitRecord } from "./exit-record.ts";
import { errnoOf } from "./file-error.ts";

/** What became of an instance: its record, or nothing because its supervisor died without a word. */
export type LifeEnd = { readonly kind: "ended"; readonly record: ExitRecord } | { readonly kind: "lost" };

/**
 * Waits for the end of an instance, however long it takes, without polling: the supervisor holds a FIFO open, and its
 * closing is the end. Works for any daemon, also one that started after the instance.
 * @throws the signal's reason when it is aborted
 */
export async function watchLife(
  instanceDir: string,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<LifeEnd> {
  signal?.throwIfAborted();
  const fifo = openLife(instanceDir);
  // A FIFO that nobody writes to any more never reports its end to a reader who came later: look after opening it.
  if (fifo !== null && !livesBehind(fifo, instanceDir)) closeSync(fifo);
  else if (fifo !== null) {
    const record = await readToEnd(fifo, signal);
    if (record.length >= EXIT_RECORD_BYTES)
      return { kind: "ended", record: parseExitRecord(record.subarray(0, EXIT_RECORD_BYTES), `${instanceDir}/life`) };
  }
  const record = readExitRecord(instanceDir);
  return record === null ? { kind: "lost" } : { kind: "ended", record };
}

function openLife(instanceDir: string): number | null {
  try {
    return openSync(`${instanceDir}/life`, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return null;
    throw error;
  }
}

/** Where that cannot be known now, for want of another descriptor, the FIFO is let go: who tries again opens it anew. */
function livesBehind(fifo: number, instanceDir: string): boolean {
  try {
    return isSupervised(instanceDir);
  } catch (error) {
    closeSync(fifo);
    throw error;
  }
}

function readToEnd(fd: number, signal: AbortSignal | undefined): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = new Socket({ fd, readable: true, writable: false });
    const parts: Buffer[] = [];
    const abort = (): void => {
      socket.destroy();
      reject(signal?.reason instanceof Error ? signal.reason : new Error("aborted", { cause: signal?.reason }));
    };
    signal?.addEventListener("abort", abort, { once: true });
    socket.on("data", (part: Buffer) => {
      parts.push(part);
      // The record is complete: no need to wait until the kernel has torn the supervisor down.
      if (parts.reduce((sum, each) => sum + each.length, 0) >= EXIT_RECORD_BYTES) socket.destroy();
    });
    socket.on("error", reject);
    socket.on("close", () => {
      signal?.removeEventListener("abort", abort);
      resolve(Buffer.concat(parts));
    });
  });
}
