import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { identifyProcess } from "@constellation/host";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runGuarded } from "../../src/run/run.ts";

let root: string;
let state: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "guard-run-"));
  state = join(root, ".constellation/test");
  mkdirSync(state, { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true }));

describe("a run", () => {
  it("where another one lives changes nothing of it", async () => {
    const holder = JSON.stringify({ guard: identifyProcess(process.ppid), run: "theirs" });
    writeFileSync(join(state, "holder.json"), holder);
    mkdirSync(join(state, "plan"));
    writeFileSync(join(state, "plan/file.json"), "{}");
    writeFileSync(join(state, "journal.jsonl"), "not a journal");
    for (const resume of [false, true])
      await expect(runGuarded({ root, command: "true", resume })).rejects.toThrow(/guards a run of this project/);
    expect(readFileSync(join(state, "holder.json"), "utf8")).toBe(holder);
    expect(readdirSync(join(state, "plan"))).toEqual(["file.json"]);
    expect(readFileSync(join(state, "journal.jsonl"), "utf8")).toBe("not a journal");
  });

  it("that was killed between a result and the end of its file does not run it again", async () => {
    const run = (resume: boolean) =>
      runGuarded({ root, command: "echo {} >> ran", items: ["a", "b"], jobs: 1, resume, output: "log" });
    expect((await run(false)).kind).toBe("passed");
    const journal = readFileSync(join(state, "journal.jsonl"), "utf8");
    const end = journal.indexOf('{"kind":"end","file":"b"');
    expect(end).toBeGreaterThan(0);
    writeFileSync(join(state, "journal.jsonl"), journal.slice(0, journal.lastIndexOf("\n", end)));
    const resumed = await run(true);
    expect(resumed).toMatchObject({ kind: "passed", reason: "2 test(s)", ledger: { repeated: 0 } });
    expect(readFileSync(join(root, "ran"), "utf8")).toBe("a\nb\n");
  });

  it("that cannot begin leaves its place to others", async () => {
    await expect(runGuarded({ root, framework: "karma" })).rejects.toThrow(/not known/);
    expect(existsSync(join(state, "holder.json"))).toBe(false);
  });
});
