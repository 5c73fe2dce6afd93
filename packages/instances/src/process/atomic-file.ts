import { readFileSync, renameSync } from "node:fs";
import { fillFile } from "../launch/records/fill-file.ts";

/** Writes a file so that a reader, or a crash of this program at any moment, finds the old content or the new one. */
export function writeAtomically(path: string, content: string): void {
  const fresh = `${path}.new`;
  fillFile(fresh, content);
  renameSync(fresh, path);
}

/** A JSON file's value; null when there is none, or what is there is no JSON: the machine lost its power before it was kept. */
export function readJson(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
