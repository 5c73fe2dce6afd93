import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { noteLastRun, readLastRun } from "../../src/run/last-run.ts";

test("a run whose memory nobody could count is not one that needs none", () => {
  const folder = mkdtempSync(join(tmpdir(), "cst-last-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "last.json");
  noteLastRun(path, { tests: 3, peakBytes: 5 });
  expect(readLastRun(path)).toEqual({ tests: 3, peakBytes: 5 });
  noteLastRun(path, { tests: 0, peakBytes: 0 });
  expect(readLastRun(path)).toEqual({ tests: 3, peakBytes: null });
});
