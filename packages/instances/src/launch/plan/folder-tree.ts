import { posix } from "node:path";
import type { HostFacts } from "../host-facts.ts";
import { openFlags } from "./linux.ts";
import type { Step } from "./plan.ts";
import { steps } from "./steps.ts";

/** What programs expect to exist; empty unless something is mounted there. */
const emptyFolders = ["/dev", "/home", "/mnt", "/proc", "/root", "/run", "/srv", "/sys", "/tmp", "/var/empty"];

/** Which folders of a new root exist already, so that each is made once. */
export class FolderTree {
  readonly #at: (path: string) => string;
  readonly #made: Set<string>;
  readonly #occupied: Set<string>;

  /** `at` says where a path of the instance lies while the steps run; `from` is a tree that this one begins as. */
  constructor(at: (path: string) => string, from?: FolderTree) {
    this.#at = at;
    this.#made = new Set(from === undefined ? ["/"] : from.#made);
    this.#occupied = new Set(from === undefined ? [] : from.#occupied);
  }

  /** The folders and links that every root has. */
  skeleton(host: HostFacts): Step[] {
    const made = [
      ...host.rootEntries.flatMap((entry) =>
        entry.kind === "link"
          ? [steps.symlink(entry.target, this.#at(`/${entry.name}`))]
          : this.folder(`/${entry.name}`),
      ),
      ...emptyFolders.flatMap((path) => this.folder(path)),
      steps.symlink("/tmp", this.#at("/var/tmp")),
      steps.symlink("/run", this.#at("/var/run")),
    ];
    for (const entry of host.rootEntries) this.#occupied.add(`/${entry.name}`);
    return made;
  }

  folder(path: string): Step[] {
    if (this.#made.has(path)) return [];
    const parents = this.folder(posix.dirname(path));
    this.#made.add(path);
    return [...parents, steps.mkdir(this.#at(path), 0o755)];
  }

  /** A place to mount on. Inside a bound folder it must exist in that folder already. */
  mountPoint(path: string, file: boolean): Step[] {
    const inside = this.#isOccupied(posix.dirname(path));
    this.#occupied.add(path);
    if (inside || this.#made.has(path)) return [];
    if (!file) return this.folder(path);
    this.#made.add(path);
    return [...this.folder(posix.dirname(path)), steps.writeFile(this.#at(path), "", openFlags.create, 0o644)];
  }

  /** A folder that has become the root of a new, empty file system. */
  renew(path: string): void {
    this.#occupied.delete(path);
    this.#made.add(path);
  }

  #isOccupied(path: string): boolean {
    for (let part = path; part !== "/"; part = posix.dirname(part)) {
      if (this.#occupied.has(part)) return true;
      if (this.#made.has(part)) return false;
    }
    return false;
  }
}
