import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from "node:fs";
import { type FileHandle, open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type EngineClock, systemClock } from "../clock.ts";
import { EngineError } from "../error.ts";
import type {
  BlobContent,
  BlobInfo,
  BlobSource,
  BlobUsage,
  Collected,
  GetOptions,
  OwnedBlobStore,
  PutOptions,
} from "./blob-store.ts";
import { checkHash, resolvedRange, wrongHash } from "./hash.ts";
import { Quota } from "./quota.ts";
import { type Upload, upload } from "./upload.ts";

export interface FileBlobOptions {
  readonly directory: string;
  readonly clock?: EngineClock;
  /** Bytes of all blobs. @default no bound */
  readonly quotaBytes?: number;
}

const readBytes = 256 * 1024;

/** Blobs as read-only files named by their hash; one process writes the directory. */
export class FileBlobStore implements OwnedBlobStore {
  readonly #directory: string;
  readonly #clock: EngineClock;
  readonly #quota: Quota;
  #counted: Promise<void> | undefined;
  #uploads = 0;
  #closed = false;

  constructor({ directory, clock = systemClock, quotaBytes = Infinity }: FileBlobOptions) {
    this.#directory = directory;
    this.#clock = clock;
    this.#quota = new Quota(quotaBytes);
  }

  /** Where the blob's file is or would be; for mounting it. @throws EngineError `bad-key` */
  pathOf(sha256: string): string {
    checkHash(sha256);
    return join(this.#directory, sha256.slice(0, 2), sha256);
  }

  async put(source: BlobSource, { sha256: wanted, signal }: PutOptions = {}): Promise<BlobInfo> {
    if (wanted !== undefined) checkHash(wanted);
    this.#checkOpen("store a blob");
    signal?.throwIfAborted();
    return this.#worded("store a blob", async () => {
      await this.#ready();
      this.#uploads += 1;
      const partials = join(this.#directory, "partial");
      // Also when somebody has deleted what was there: what is sent again is to be kept again.
      mkdirSync(partials, { recursive: true, mode: 0o700 });
      const partial = join(partials, `${process.pid}-${this.#uploads}`);
      const done = await upload(partial, source, this.#quota, signal);
      let reservedBytes = done.sizeBytes;
      try {
        if (wanted !== undefined && wanted !== done.sha256) throw wrongHash("store", wanted, done.sha256);
        this.#checkOpen("store a blob");
        const folder = join(this.#directory, done.sha256.slice(0, 2));
        const made = mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined;
        // In one turn with counting it as stored: another upload could take the room in between.
        this.#quota.release(reservedBytes);
        reservedBytes = 0;
        const info = this.#place(done);
        await syncDirectory(folder);
        if (made) await syncDirectory(this.#directory);
        return info;
      } finally {
        this.#quota.release(reservedBytes);
        await rm(partial, { force: true });
      }
    });
  }

  async get(sha256: string, { range, signal }: GetOptions = {}): Promise<BlobContent | null> {
    const path = this.pathOf(sha256);
    signal?.throwIfAborted();
    this.#checkOpen("read a blob");
    const file = await this.#worded("read a blob", () => absentAsNull(open(path, "r")));
    if (file === null) return null;
    try {
      const { size } = await file.stat();
      const { start, end } = resolvedRange(size, range);
      const pieces = reading(file, sha256, start, end, range === undefined, signal);
      return { sizeBytes: size, bytes: closedWhenLeft(file, pieces) };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async has(sha256: string): Promise<BlobInfo | null> {
    this.#checkOpen("look for a blob");
    return this.#info(sha256);
  }

  async delete(sha256: string): Promise<boolean> {
    const path = this.pathOf(sha256);
    this.#checkOpen("delete a blob");
    return this.#worded("delete a blob", async () => {
      await this.#ready();
      return this.#remove(path) !== null;
    });
  }

  async *list(): AsyncGenerator<BlobInfo, void, undefined> {
    this.#checkOpen("list blobs");
    for (const prefix of (await absentAsNull(readdir(this.#directory))) ?? []) {
      if (!/^[0-9a-f]{2}$/.test(prefix)) continue;
      for (const name of await readdir(join(this.#directory, prefix))) {
        if (!/^[0-9a-f]{64}$/.test(name)) continue;
        const info = this.#info(name);
        if (info !== null) yield info;
      }
    }
  }

  async collect(live: ReadonlySet<string>, { graceMs }: { readonly graceMs: number }): Promise<Collected> {
    await this.#ready();
    const collected = { blobs: 0, bytes: 0 };
    const beforeMs = this.#clock.wallMs() - graceMs;
    for await (const { sha256 } of this.list()) {
      if (live.has(sha256)) continue;
      // Looked at again and removed without a pause, so that an upload of the same bytes cannot come in between.
      const info = this.#info(sha256);
      const removed = info !== null && info.storedAtMs < beforeMs ? this.#remove(this.pathOf(sha256)) : null;
      if (removed === null) continue;
      collected.blobs += 1;
      collected.bytes += removed;
    }
    return collected;
  }

  async usage(): Promise<BlobUsage> {
    this.#checkOpen("count blobs");
    await this.#ready();
    const { blobs, bytes, quotaBytes } = this.#quota;
    return { blobs, bytes, quotaBytes };
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #checkOpen(attempted: string): void {
    if (this.#closed) throw new EngineError("closed", `Cannot ${attempted}: the blob store was closed`);
  }

  // Done when first needed: opening the store must cost the daemon's start nothing.
  #ready(): Promise<void> {
    this.#counted ??= this.#count().catch((error: unknown) => {
      this.#counted = undefined;
      throw error;
    });
    return this.#counted;
  }

  async #count(): Promise<void> {
    const partials = join(this.#directory, "partial");
    mkdirSync(partials, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(partials)) rmSync(join(partials, name), { force: true });
    const sizes: number[] = [];
    for await (const { sizeBytes } of this.list()) sizes.push(sizeBytes);
    for (const sizeBytes of sizes) this.#quota.added(sizeBytes);
  }

  #info(sha256: string): BlobInfo | null {
    const stat = statSync(this.pathOf(sha256), { throwIfNoEntry: false });
    return stat === undefined ? null : { sha256, sizeBytes: stat.size, storedAtMs: stat.mtimeMs };
  }

  #place({ path, sha256, sizeBytes }: Upload): BlobInfo {
    const storedAtMs = this.#clock.wallMs();
    utimesSync(path, storedAtMs / 1000, storedAtMs / 1000);
    const before = this.#info(sha256);
    // Also over an equal one: it may have been damaged, and is young again for the garbage collection.
    renameSync(path, this.pathOf(sha256));
    if (before !== null) this.#quota.removed(before.sizeBytes);
    this.#quota.added(sizeBytes);
    return { sha256, sizeBytes, storedAtMs };
  }

  #remove(path: string): number | null {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return null;
    rmSync(path, { force: true });
    this.#quota.removed(stat.size);
    return stat.size;
  }

  async #worded<T>(attempted: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const { code, syscall, message } = error as NodeJS.ErrnoException;
      if (code === undefined || syscall === undefined) throw error;
      const remedy =
        code === "ENOSPC" || code === "EDQUOT"
          ? "free some space on that disk"
          : "check the directory and its permissions";
      throw new EngineError("unavailable", `Cannot ${attempted} in ${this.#directory}: ${message}; ${remedy}`, {
        cause: error,
      });
    }
  }
}

async function* reading(
  file: FileHandle,
  sha256: string,
  start: number,
  end: number,
  check: boolean,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash("sha256");
  try {
    for (let at = start; at < end;) {
      signal?.throwIfAborted();
      const buffer = new Uint8Array(Math.min(readBytes, end - at));
      const { bytesRead } = await file.read(buffer, 0, buffer.byteLength, at);
      if (bytesRead === 0) break;
      at += bytesRead;
      const bytes = buffer.subarray(0, bytesRead);
      if (check) hash.update(bytes);
      yield bytes;
    }
  } finally {
    await file.close();
  }
  const found = check ? hash.digest("hex") : sha256;
  if (found !== sha256) throw wrongHash("read", sha256, found);
}

/** A generator that is left before its first piece runs none of its code: what closes the file neither. */
function closedWhenLeft(
  file: FileHandle,
  pieces: AsyncGenerator<Uint8Array, void, undefined>,
): AsyncIterable<Uint8Array> {
  const iterator: AsyncIterator<Uint8Array, void, undefined> = {
    next: () => pieces.next(),
    async return() {
      const left = await pieces.return();
      await file.close();
      return left;
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

async function absentAsNull<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
