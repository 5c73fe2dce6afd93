import { createHash } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import { copied } from "../copied.ts";
import type { BlobSource } from "./blob-store.ts";
import { piecesOf } from "./pieces.ts";
import type { Quota } from "./quota.ts";

/** A file that was written and synced, but has no name of its own yet; its bytes are reserved in the quota. */
export interface Upload {
  readonly path: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

const writeBytes = 256 * 1024;

/** Writes the source to the path, hashing on the way; when anything fails it removes the file and releases its bytes. */
export async function upload(
  path: string,
  source: BlobSource,
  quota: Quota,
  signal: AbortSignal | undefined,
): Promise<Upload> {
  const file = await open(path, "wx", 0o444);
  const hash = createHash("sha256");
  let sizeBytes = 0;
  try {
    for await (const batch of batches(piecesOf(source, signal))) {
      for (const piece of batch) {
        quota.reserve(piece.byteLength);
        sizeBytes += piece.byteLength;
        hash.update(piece);
      }
      await writeWhole(file, batch);
    }
    signal?.throwIfAborted();
    await file.sync();
    await file.close();
  } catch (error) {
    quota.release(sizeBytes);
    await file.close().catch(() => undefined);
    await rm(path, { force: true });
    throw error;
  }
  return { path, sha256: hash.digest("hex"), sizeBytes };
}

// A disk that becomes full takes a part and says nothing; it is the next write that fails.
async function writeWhole(file: FileHandle, pieces: readonly Uint8Array[]): Promise<void> {
  let left = [...pieces];
  while (left.length > 0) {
    const { bytesWritten } = await file.writev(left);
    left = after(left, bytesWritten);
  }
}

function after(pieces: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let skip = bytes;
  const from = pieces.findIndex(({ byteLength }) => {
    if (skip < byteLength) return true;
    skip -= byteLength;
    return false;
  });
  return from < 0 ? [] : pieces.slice(from).map((piece, at) => (at === 0 ? piece.subarray(skip) : piece));
}

// Many small pieces are written together; a large one is not held back.
async function* batches(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array[], void, undefined> {
  let batch: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of source) {
    if (piece.byteLength === 0) continue;
    bytes += piece.byteLength;
    const isFull = bytes >= writeBytes;
    // What is held back is copied: its source may fill the same buffer again.
    batch.push(isFull ? piece : copied(piece));
    if (!isFull) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}
