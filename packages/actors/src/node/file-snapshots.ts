import { createHash } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { deserialize, serialize } from "node:v8";
import type { Snapshots } from "../entities/snapshots.ts";

/** Keeps each snapshot in a file of its own below a folder. A crash while saving leaves the snapshot before it. */
export class FileSnapshots implements Snapshots {
  readonly #folder: string;
  /** The latest change of each file that is under way. */
  readonly #changes = new Map<string, Promise<void>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  async load(kind: string, id: string): Promise<unknown> {
    try {
      return deserialize(await readFile(this.#path(kind, id))) as unknown;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw new Error(`Cannot load snapshot ${kind}/${id} from ${this.#path(kind, id)}`, { cause: error });
    }
  }

  async save(kind: string, id: string, state: unknown): Promise<void> {
    const path = this.#path(kind, id);
    try {
      const bytes = serialize(state);
      await this.#inTurn(path, () => replace(path, bytes));
    } catch (error) {
      throw new Error(`Cannot save snapshot ${kind}/${id} to ${path}`, { cause: error });
    }
  }

  async remove(kind: string, id: string): Promise<boolean> {
    const path = this.#path(kind, id);
    try {
      await this.#inTurn(path, () => rm(path));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
      throw error;
    }
  }

  /** One change of a file after the other: an earlier state must not be moved over a later one. */
  #inTurn(path: string, change: () => Promise<void>): Promise<void> {
    const changed = (this.#changes.get(path) ?? Promise.resolve()).then(change, change);
    this.#changes.set(path, changed);
    return changed.finally(() => {
      if (this.#changes.get(path) === changed) this.#changes.delete(path);
    });
  }

  /** Any id makes one safe file name: no dots, no slashes. */
  #path(kind: string, id: string): string {
    return join(this.#folder, fileName(kind), `${fileName(id)}.snapshot`);
  }
}

/** Written aside and moved over: a reader sees the old state or the new one, never half of one. */
async function replace(path: string, bytes: Uint8Array): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const aside = `${path}.${process.pid}.aside`;
  try {
    await writeSafely(aside, bytes);
    await rename(aside, path);
    await syncFolder(folder);
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
}

async function writeSafely(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A new name is safe only when its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Characters of a name at most; file systems take 255, and there are endings. */
const longestName = 230;

function fileName(text: string): string {
  const name = Buffer.from(text).toString("base64url") || "-";
  if (name.length <= longestName) return name;
  const hash = createHash("sha256").update(text).digest("hex");
  // A character that no short name has keeps the two apart.
  return `${name.slice(0, longestName - hash.length - 1)}~${hash}`;
}
