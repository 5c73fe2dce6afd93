import { chmodSync, chownSync, existsSync, mkdirSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { instanceName, type StartRequest } from "../driver/start-request.ts";
import { type DriverFolders, dataRoot, logPath } from "./folders.ts";

/** Where they wait: on the disk of what they will become, since only there a folder gets another name at once. */
const waitingFolder = ({ state }: DriverFolders): string => join(state, "spares");

/** The folders of an instance that has none yet, made while there was time: a new folder costs a start 0.3 ms on a disk. */
export class FoldersAhead {
  readonly #path: string;

  private constructor(path: string) {
    this.#path = path;
  }

  /** @param uid user of this machine to whom the data folder belongs; null: ours */
  static make(folders: DriverFolders, id: string, uid: number | null): FoldersAhead {
    const path = join(waitingFolder(folders), id);
    const data = join(path, "data");
    mkdirSync(data, { recursive: true, mode: 0o700 });
    chmodSync(data, 0o700);
    if (uid !== null) chownSync(data, uid, uid);
    mkdirSync(join(path, "log"), { mode: 0o750 });
    return new FoldersAhead(path);
  }

  /** Removes those of daemons that died. */
  static sweep(folders: DriverFolders): void {
    rmSync(waitingFolder(folders), { recursive: true, force: true });
  }

  /**
   * They become those of an instance that has none. What is there already stays as it is, a limited disk is no folder, and
   * what lies on another disk is made by the start itself.
   */
  become(request: StartRequest, folders: DriverFolders): void {
    const data = join(dataRoot(folders), instanceName(request));
    const isPlain = request.resources.diskBytes === null && !existsSync(`${data}.img`);
    if (isPlain && !existsSync(data)) move(join(this.#path, "data"), data);
    const log = dirname(logPath(folders, request));
    if (!existsSync(log)) move(join(this.#path, "log"), log);
  }

  /** What was not used goes. */
  drop(): void {
    try {
      // As a rule both were used, and one call is a tenth of looking what is left.
      rmdirSync(this.#path);
    } catch {
      rmSync(this.#path, { recursive: true, force: true });
    }
  }
}

function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
  }
}
