import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { deserialize, serialize } from "node:v8";
import type { Snapshots } from "../entities/snapshots.ts";

/** Keeps each snapshot in a file of its own below a folder. A crash while saving leaves the snapshot before it. */
export class FileSnapshots implements Snapshots {
  readonly #folder: string;
  #serial = 0;

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
    await mkdir(dirname(path), { recursive: true });
    // Written aside and moved over: a reader sees the old one or the new one, never half of one.
    const aside = `${path}.${process.pid}.${(this.#serial += 1)}`;
    try {
      const file = await open(aside, "w", 0o600);
      try {
        await file.writeFile(serialize(state));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(aside, path);
    } catch (error) {
      await rm(aside, { force: true });
      throw new Error(`Cannot save snapshot ${kind}/${id} to ${path}`, { cause: error });
    }
  }

  async remove(kind: string, id: string): Promise<boolean> {
    try {
      await rm(this.#path(kind, id));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
      throw error;
    }
  }

  /** Any id makes one safe file name: no dots, no slashes. */
  #path(kind: string, id: string): string {
    return join(this.#folder, fileName(kind), `${fileName(id)}.snapshot`);
  }
}

function fileName(text: string): string {
  return Buffer.from(text).toString("base64url") || "-";
}
