import { readFileSync } from "node:fs";
import { getPriority } from "node:os";
import { expect, test } from "vitest";
import { setIoPriority, setNiceness, setOomScoreAdjustment } from "../../src/index.ts";
import { endChild, startChild } from "../children.ts";

test("niceness is set, and a process that ended is gone", async () => {
  const child = startChild("sleep", ["60"]);
  expect(setNiceness(child.pid, 10)).toBe("set");
  expect(getPriority(child.pid)).toBe(10);
  await endChild(child);
  expect(setNiceness(child.pid, 10)).toBe("gone");
});

test.runIf(process.platform === "linux")(
  "the OOM score is raised; lowering is set or denied, never an error",
  async () => {
    const child = startChild("sleep", ["60"]);
    expect(setOomScoreAdjustment(child.pid, 500)).toBe("set");
    expect(readFileSync(`/proc/${child.pid}/oom_score_adj`, "latin1").trim()).toBe("500");
    expect(["set", "denied"]).toContain(setOomScoreAdjustment(child.pid, -500));
    await endChild(child);
    expect(setOomScoreAdjustment(child.pid, 500)).toBe("gone");
  },
);

test.runIf(process.platform === "linux")("I/O priority", async () => {
  const child = startChild("sleep", ["60"]);
  expect(["set", "missing"]).toContain(await setIoPriority(child.pid, "idle"));
  expect(["set", "missing"]).toContain(await setIoPriority(child.pid, "best-effort", 7));
  await endChild(child);
  expect(["gone", "missing"]).toContain(await setIoPriority(child.pid, "idle"));
});

test("values that no kernel takes are refused", async () => {
  expect(() => setNiceness(process.pid, 20)).toThrow(expect.objectContaining({ code: "limit-invalid" }));
  expect(() => setOomScoreAdjustment(process.pid, 1.5)).toThrow(expect.objectContaining({ code: "limit-invalid" }));
  await expect(setIoPriority(process.pid, "idle", 9)).rejects.toMatchObject({ code: "limit-invalid" });
});
