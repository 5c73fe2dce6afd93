import { chmodSync, chownSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type DriverFolders, logName } from "./folders.ts";

/** What an instance has a folder for, with the folder's mode. */
const modes = { data: 0o700, log: 0o750 } as const;

/** What an instance has a folder for. */
export type FolderKind = keyof typeof modes;

const kinds = Object.keys(modes) as FolderKind[];
/** How many of each kind wait: a burst makes the rest by itself. */
const most = 4;
/** They are made when nothing has started for so long. */
const quietMs = 15;

/** Where they wait: on the disk of what they will become, since only there a folder gets another name at once. */
const waitingFolder = ({ state }: DriverFolders): string => join(state, "spares");

/**
 * New folders of instances, that of the log with an empty log in it. A few were made while there was time: to make a folder
 * or a file costs a start up to 0.5 ms on a disk, to move it a tenth.
 */
export class FoldersAhead {
  readonly #path: string;
  readonly #waiting: Record<FolderKind, string[]> = { data: [], log: [] };
  #made = 0;
  #making: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor(folders: DriverFolders) {
    this.#path = waitingFolder(folders);
  }

  /** Removes those of daemons that died. */
  static sweep(folders: DriverFolders): void {
    rmSync(waitingFolder(folders), { recursive: true, force: true });
  }

  /**
   * Makes a folder that is not there yet.
   *
   * @param uid user of this machine to whom it belongs; null: ours
   * @throws Error of the system
   */
  place(kind: FolderKind, path: string, uid: number | null = null): void {
    const waiting = this.#waiting[kind].pop();
    if (waiting === undefined || !moves(waiting, path)) {
      mkdirSync(path, { recursive: true, mode: modes[kind] });
      chmodSync(path, modes[kind]);
    }
    if (uid !== null) chownSync(path, uid, uid);
    this.fill();
  }

  /** Sees to it that some wait, as soon as it is quiet. */
  fill(): void {
    if (this.#isClosed) return;
    if (this.#timer !== null) this.#timer.refresh();
    else this.#timer = setTimeout(() => this.#begin(), quietMs).unref();
  }

  /** Resolves when none is left. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#making;
    await rm(this.#path, { recursive: true, force: true });
  }

  #begin(): void {
    this.#timer = null;
    // What cannot be made now is made, or refused in its own words, by the start that wants it.
    this.#making ??= this.#make()
      .catch(() => undefined)
      .finally(() => (this.#making = null));
  }

  async #make(): Promise<void> {
    await mkdir(this.#path, { recursive: true, mode: 0o711 });
    for (const kind of kinds) {
      while (this.#waiting[kind].length < most && !this.#isClosed) {
        this.#made += 1;
        const path = join(this.#path, String(this.#made));
        await mkdir(path, { mode: modes[kind] });
        await chmod(path, modes[kind]);
        // Its supervisor opens the log, or makes it, which takes as long as a folder.
        if (kind === "log") await writeFile(join(path, logName), "", { mode: 0o640 });
        this.#waiting[kind].push(path);
      }
    }
  }
}

/** False when it must be made where it belongs: that is another disk, or somebody took away what waited. */
function moves(waiting: string, path: string): boolean {
  try {
    renameSync(waiting, path);
    return true;
  } catch {
    rmSync(waiting, { recursive: true, force: true });
    return false;
  }
}
