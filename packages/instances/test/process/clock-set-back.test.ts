import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { traceRun } from "../../src/process/run-folder.ts";

test("what became of a run is found out in time also where the machine's clock is set back", async () => {
  const folder = mkdtempSync(join(tmpdir(), "trace-"));
  // A supervisor began here, and was killed before it could say anything.
  writeFileSync(join(folder, "lock"), "");
  // To who looks how long it took, one that was set back does not move for a long time.
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => {
    vi.useRealTimers();
    rmSync(folder, { recursive: true });
  });
  expect(await traceRun(folder, 10_000)).toEqual({ kind: "over" });
});
