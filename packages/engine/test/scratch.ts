import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";

const made: string[] = [];

/** A fresh directory that is removed after the test. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "engine-"));
  made.push(directory);
  return directory;
}

/** The directory's file names, ordered. */
export function namesIn(directory: string): string[] {
  return readdirSync(directory).sort();
}

afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true });
});
