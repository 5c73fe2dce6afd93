import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { identifyProcess } from "@constellation/host";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { limitsHere } from "../../../instances/test/limits-here.ts";
import { encodeRecord } from "../../src/journal/record.ts";
import type { RunEvent } from "../../src/run/outcome.ts";
import { readLastRun } from "../../src/run/last-run.ts";
import { runGuarded } from "../../src/run/run.ts";

/** Its files are memory (statfs(2)). */
const tmpfs = 0x01021994;

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

  it("whose journal somebody damages starts nothing more, and calls nothing failed that it ended itself", async () => {
    const items = Array.from({ length: 8 }, (_, at) => `item ${at}`);
    const run = runGuarded({
      root,
      command: "echo {} >> begun; sleep 1; echo {} >> ended",
      items,
      jobs: 2,
      output: "log",
    });
    const begun = (): string => (existsSync(join(root, "begun")) ? readFileSync(join(root, "begun"), "utf8") : "");
    while (begun().split("\n").length < 3) await new Promise((resolve) => setTimeout(resolve, 20));
    appendFileSync(join(state, "journal.jsonl"), "\nnot a record\n");
    await expect(run).rejects.toThrow(/was damaged while it was written/);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(begun().split("\n").toSorted()).toEqual(["", "item 0", "item 1"]);
    expect(readFileSync(join(state, "journal.jsonl"), "utf8")).not.toContain('"kind":"test"');
  });

  it("of items that are no names of files, however long", async () => {
    const items = ["x".repeat(3000), "a/\u0001", "'\"$(touch oops)"];
    const outcome = await runGuarded({ root, command: "test -n", items, output: "log" });
    expect(outcome).toMatchObject({ kind: "passed", reason: "3 test(s)" });
    expect(existsSync(join(root, "oops"))).toBe(false);
  });

  it("runs what died twice last and alone, and nothing else again", async () => {
    const run = (resume: boolean) =>
      runGuarded({ root, command: "echo {} >> ran", items: ["s", "x", "y", "z"], jobs: 1, resume, output: "log" });
    await run(false);
    const [head] = readFileSync(join(state, "journal.jsonl"), "utf8").split("\n").filter(Boolean);
    const begun = (number: number) => [
      encodeRecord({ kind: "attempt", number, jobs: 1, at: new Date().toISOString() }),
      ...["s", "z"].map((file) => encodeRecord({ kind: "file", file, hash: "item", pid: 1 })),
    ];
    writeFileSync(join(state, "journal.jsonl"), ["", head, ...begun(1), ...begun(2), ""].join("\n"));
    rmSync(join(root, "ran"));
    expect(await run(true)).toMatchObject({ kind: "passed", reason: "4 test(s)", ledger: { repeated: 0 } });
    expect(readFileSync(join(root, "ran"), "utf8")).toBe("x\ny\ns\nz\n");
  });

  it.runIf(limitsHere && statfsSync(tmpdir()).type !== tmpfs)(
    "needs no memory for what it reads and writes",
    async () => {
      const command = "head -c 200000000 /dev/zero > large; cat large > /dev/null";
      const { peakBytes } = await runGuarded({ root, command, output: "log" });
      expect(peakBytes).toBeGreaterThan(150_000_000);
      expect(readLastRun(join(state, "last.json"))?.peakBytes).toBeLessThan(100_000_000);
    },
  );

  it("of a command that is a loop, or has its item in quotes", async () => {
    const loop = await runGuarded({ root, command: "for each in 1 2; do echo $each; done", output: "log" });
    expect(loop.kind).toBe("passed");
    const command = `printf '%s;' "{}" '{}' {} "x {} \\"y" 'x {}' >> said`;
    const quoted = await runGuarded({ root, command, items: ["a  b", '$(c)"'], jobs: 1, output: "log" });
    expect(quoted.kind).toBe("passed");
    const each = (item: string): string => `${item};${item};${item};x ${item} "y;x ${item};`;
    expect(readFileSync(join(root, "said"), "utf8")).toBe(each("a  b") + each('$(c)"'));
  });

  it("may take longer than a timer can wait", async () => {
    const month = 30 * 86_400_000;
    const outcome = await runGuarded({ root, command: "sleep 0.3", timeoutMs: month, output: "log" });
    expect(outcome.kind).toBe("passed");
  });

  it("forgets the failure of a file that is gone, and gives an edited one that did not fit another chance", async () => {
    const run = (resume: boolean) => runGuarded({ root, framework: "node-test", resume, jobs: 1, output: "log" });
    writeFileSync(join(root, "a.test.js"), 'require("node:test").test("fine", () => {});');
    writeFileSync(join(root, "b.test.js"), 'require("node:test").test("fails", () => { throw new Error("wanted"); });');
    expect((await run(false)).kind).toBe("failed");
    rmSync(join(root, "b.test.js"));
    expect(await run(true)).toMatchObject({ kind: "passed", reason: "1 test(s)" });
    const unfit = { kind: "unfit", file: "c.test.js", hash: "before", peakBytes: 1, cause: "memory" } as const;
    appendFileSync(join(state, "journal.jsonl"), `\n${encodeRecord(unfit)}\n`);
    writeFileSync(join(root, "c.test.js"), 'require("node:test").test("fits", () => {});');
    expect(await run(true)).toMatchObject({ kind: "passed", reason: "2 test(s)" });
  });

  it("that failed for no test does not pass when it is resumed with nothing left to run", async () => {
    // As a framework does whose coverage is too low.
    const mocha = join(root, "node_modules/.bin/mocha");
    mkdirSync(join(root, "node_modules/.bin"), { recursive: true });
    writeFileSync(mocha, "#!/bin/sh\nexit 7\n", { mode: 0o755 });
    const first = await runGuarded({ root, framework: "mocha", output: "log" });
    expect(first).toMatchObject({ kind: "failed", reason: "no test failed, but mocha ended with 7" });
    writeFileSync(mocha, "#!/bin/sh\nexit 0\n");
    const notes: string[] = [];
    const onEvent = (event: RunEvent): void => void (event.kind === "note" && notes.push(event.text));
    const again = await runGuarded({ root, framework: "mocha", resume: true, output: "log", onEvent });
    expect(again.ledger.attempts).toHaveLength(1);
    expect(notes).toContainEqual(
      expect.stringMatching(/ended with 7, and nothing says which test it was: all tests run/),
    );
  });

  it("begins anew when the lock file of its workspace changed", async () => {
    const inner = join(root, "packages/inner");
    mkdirSync(inner, { recursive: true });
    const run = (resume: boolean) => runGuarded({ root: inner, command: "echo ran >> ran", resume, output: "log" });
    for (const [resume, lock] of [
      [false, "1"],
      [true, "1"],
      [true, "2"],
    ] as const) {
      writeFileSync(join(root, "package-lock.json"), lock);
      await run(resume);
    }
    expect(readFileSync(join(inner, "ran"), "utf8")).toBe("ran\nran\n");
  });

  it("that was asked for tests which are not there has not passed", async () => {
    writeFileSync(join(root, "a.test.js"), 'require("node:test").test("fine", () => {});');
    const run = runGuarded({ root, framework: "node-test", paths: ["tset"], output: "log" });
    await expect(run).rejects.toThrow(/Cannot find a test in .* that is called tset/);
  });

  it("keeps what is said for one run only", async () => {
    const run = () => runGuarded({ root, command: "echo said", output: "log" });
    await run();
    await run();
    expect(readFileSync(join(state, "output.log"), "utf8")).toBe("said\n");
  });

  it("of a file that is edited while it is tested runs it again", async () => {
    const run = (resume: boolean) =>
      runGuarded({ root, command: "cat {} >> ran; echo edited > {}", items: ["a.txt"], resume, output: "log" });
    writeFileSync(join(root, "a.txt"), "first\n");
    await run(false);
    await run(true);
    expect(readFileSync(join(root, "ran"), "utf8")).toBe("first\nedited\n");
  });

  it("has a marker of its own in each attempt: copies of a project share the name of the run", async () => {
    const run = (resume: boolean) =>
      runGuarded({
        root,
        command: "echo $CONSTELLATION_RUN >> markers; exit 1",
        resume,
        rerunFailed: resume,
        output: "log",
      });
    const [{ run: first }, { run: second }] = [await run(false), await run(true)];
    expect(second).toBe(first);
    const markers = readFileSync(join(root, "markers"), "utf8").split("\n").filter(Boolean);
    expect(new Set(markers).size).toBe(2);
  });
});
