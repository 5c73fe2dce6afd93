import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { deleteTree } from "../../src/process/delete-tree.ts";
import { isEmpty } from "../../src/process/is-empty.ts";
import { dataToGive } from "../../src/worker/give-data.ts";

// An instance that has no disk of a size, or a large one, may make as many names as it likes.
const memory = "/dev/shm";
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), "cst-names-"));
  execFileSync("sh", ["-c", "seq 50000 | xargs touch"], { cwd: folder });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const kilobytes = (what: string): number =>
  Number(new RegExp(`^${what}:\\s+(\\d+) kB`, "m").exec(readFileSync("/proc/self/status", "latin1"))?.[1]);

/** Megabytes that something took at its most. */
async function peakOf(act: () => unknown): Promise<number> {
  writeFileSync("/proc/self/clear_refs", "5"); // the peak begins anew (proc(5))
  const before = kilobytes("VmRSS");
  await act();
  return (kilobytes("VmHWM") - before) / 1024;
}

// The first one, since memory that was given back is taken again unseen.
test("very many names are not all read to see that they are too many to be given, or that there are any", async () => {
  const uid = process.getuid?.() ?? 0;
  expect(await peakOf(() => expect(dataToGive(folder, uid)).toBeNull())).toBeLessThan(2);
  expect(await peakOf(() => expect(isEmpty(folder)).toBe(false))).toBeLessThan(2);
});

test("nor to delete them", async () => {
  expect(await peakOf(() => deleteTree(folder))).toBeLessThan(20);
  expect(existsSync(folder)).toBe(false);
});
