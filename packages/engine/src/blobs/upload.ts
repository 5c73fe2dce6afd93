import { createHash } from "node:crypto";
import { open, rm } from "node:fs/promises";
import type { BlobSource } from "./blob-store.ts";
import type { Quota } from "./quota.ts";

/** A file that was written and synced, but has no name of its own yet. */
export interface Upload {
  readonly path: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

const writeBytes = 256 * 1024;

/** Writes the source to the path, hashing on the way; removes the file when anything fails. */
export async function upload(
  path: string,
  source: BlobSource,
  quota: Quota,
  signal: AbortSignal | undefined,
): Promise<Upload> {
  const file = await open(path, "wx", 0o444);
  const hash = createHash("sha256");
  let sizeBytes = 0;
  let complete = false;
  const write = async (pieces: readonly Uint8Array[]): Promise<void> => {
    signal?.throwIfAborted();
    await file.writev([...pieces]);
  };
  try {
    for await (const batch of batches(source)) {
      for (const piece of batch) {
        quota.reserve(piece.byteLength);
        sizeBytes += piece.byteLength;
        hash.update(piece);
      }
      await write(batch);
    }
    signal?.throwIfAborted();
    await file.sync();
    complete = true;
  } finally {
    quota.release(sizeBytes);
    await file.close();
    if (!complete) await rm(path, { force: true });
  }
  return { path, sha256: hash.digest("hex"), sizeBytes };
}

// Many small pieces are written together; a large one is not held back.
async function* batches(source: BlobSource): AsyncGenerator<Uint8Array[], void, undefined> {
  let batch: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of source instanceof Uint8Array ? [source] : source) {
    if (piece.byteLength === 0) continue;
    batch.push(piece);
    bytes += piece.byteLength;
    if (bytes < writeBytes) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}
