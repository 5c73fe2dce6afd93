import { readFileSync, rmSync, writeFileSync } from "node:fs";

/** The note beside a SQLite file that says which process has it open; SQLite's lock is what enforces it. */
export function ownerNotePath(path: string): string {
  return `${path}.owner`;
}

/** The pid in the note, or undefined when there is none: the file was closed properly or never opened. */
export function readOwner(path: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(ownerNotePath(path), "utf8"), 10);
    return Number.isNaN(pid) ? 0 : pid;
  } catch {
    return undefined;
  }
}

/** Notes this process as the owner. */
export function writeOwner(path: string): void {
  writeFileSync(ownerNotePath(path), `${process.pid}\n`);
}

/** Removes the note: the file was closed properly. */
export function clearOwner(path: string): void {
  rmSync(ownerNotePath(path), { force: true });
}
