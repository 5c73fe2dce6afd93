import { existsSync } from "node:fs";
import { chmod, copyFile, link, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { artifactFormat, ConstellationError } from "@constellation/contract";
import { type BlobContent, type FileBlobStore, isEngineError } from "@constellation/engine";

/** Artifacts that nothing refers to are kept this long: they may have been uploaded for an apply that is on its way. */
const graceMs = 3_600_000;

/** Of files that this process is making; of others' nobody knows any more. */
const partialEnding = `.${process.pid}`;

/** Scripts by their hash: stored once in the blob store, and as files with an ending that Node understands. */
export class Artifacts {
  readonly #blobs: FileBlobStore;
  readonly #folder: string;
  readonly #ready = new Map<string, Promise<string>>();

  /** @param folder for the files that instances execute */
  constructor(blobs: FileBlobStore, folder: string) {
    this.#blobs = blobs;
    this.#folder = folder;
  }

  async has(sha256: string): Promise<boolean> {
    return (await this.#blobs.has(sha256)) !== null;
  }

  /** @throws ConstellationError `artifact.not-found`, `state.unavailable` */
  async get(sha256: string): Promise<BlobContent> {
    const content = await this.#blobs.get(sha256).catch((error: unknown) => {
      if (isEngineError(error)) throw new ConstellationError("state.unavailable", error.message, { cause: error });
      throw error;
    });
    if (content === null) throw new ConstellationError("artifact.not-found", `There is no artifact ${sha256}`);
    return content;
  }

  /** Stores the bytes when they have this hash. @throws ConstellationError `request.invalid`, `state.unavailable` */
  async put(sha256: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      await this.#blobs.put(bytes, { sha256 });
    } catch (error) {
      if (isEngineError(error, "corrupt") || isEngineError(error, "bad-key"))
        throw new ConstellationError("request.invalid", `Cannot store the artifact ${sha256}: ${error.message}`, {
          remedy: "Send the bytes that have this SHA-256; nothing was kept.",
          cause: error,
        });
      if (isEngineError(error)) throw new ConstellationError("state.unavailable", error.message, { cause: error });
      throw error;
    }
  }

  /** Path of the executable form. @throws ConstellationError `artifact.not-found` */
  async file(sha256: string): Promise<string> {
    const known = this.#ready.get(sha256);
    if (known === undefined) return this.#begin(sha256);
    const path = await known;
    // Somebody may have deleted it; what it was made from lies elsewhere. To look at once is cheaper than to wait for a look.
    if (existsSync(path)) return path;
    if (this.#ready.get(sha256) === known) this.#ready.delete(sha256);
    return this.#ready.get(sha256) ?? this.#begin(sha256);
  }

  #begin(sha256: string): Promise<string> {
    const made = this.#make(sha256).catch((error: unknown) => {
      this.#ready.delete(sha256);
      throw error;
    });
    this.#ready.set(sha256, made);
    return made;
  }

  /** Removes artifacts that none of the live ones is and that are older than the grace. */
  async collect(live: ReadonlySet<string>): Promise<void> {
    await this.#blobs.collect(live, { graceMs });
    for (const name of await readdir(this.#folder).catch(() => [])) {
      const sha256 = /^\.?([0-9a-f]{64})\./.exec(name)?.[1];
      if (sha256 === undefined || name.endsWith(partialEnding)) continue;
      const isCutShort = name.startsWith(".");
      if (!isCutShort && (live.has(sha256) || (await this.#blobs.has(sha256)) !== null)) continue;
      if (!isCutShort) this.#ready.delete(sha256);
      await rm(join(this.#folder, name), { force: true });
    }
  }

  async #make(sha256: string): Promise<string> {
    const blob = await this.#blobs.has(sha256);
    if (blob === null)
      throw new ConstellationError("artifact.not-found", `The artifact ${sha256} is not stored here`, {
        remedy: "Apply the app again; its script is uploaded then.",
      });
    const path = join(this.#folder, `${sha256}.${await endingOf(this.#blobs.pathOf(sha256))}`);
    const existing = await stat(path).catch(() => null);
    if (existing?.size === blob.sizeBytes) return path;
    await mkdir(this.#folder, { recursive: true, mode: 0o711 });
    const partial = join(this.#folder, `.${sha256}${partialEnding}`);
    await rm(partial, { force: true });
    // The same file under another name costs nothing; other file systems get a copy.
    await link(this.#blobs.pathOf(sha256), partial).catch(() => copyFile(this.#blobs.pathOf(sha256), partial));
    // Instances run as users of their own.
    await chmod(partial, 0o444);
    await rename(partial, path);
    return path;
  }
}

/** By which Node knows what it is. */
async function endingOf(path: string): Promise<"cjs" | "mjs"> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(64), 0, 64, 0);
    return artifactFormat(buffer) === "commonjs" ? "cjs" : "mjs";
  } finally {
    await file.close();
  }
}
