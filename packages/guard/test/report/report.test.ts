import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addUp } from "../../src/journal/ledger.ts";
import type { JournalRecord, TestRecord } from "../../src/journal/record.ts";
import { githubAnnotations } from "../../src/report/github.ts";
import { junitXml } from "../../src/report/junit.ts";

const header: JournalRecord = { kind: "run", version: 1, run: "r", framework: "mocha", suite: "s", at: "" };
const failed = (title: string, error: string): TestRecord => ({
  kind: "test",
  file: "a.js",
  hash: "h",
  path: [title],
  n: 0,
  status: "failed",
  ms: 1,
  error,
});

describe("JUnit XML", () => {
  it("is well-formed whatever tests are called and errors say, and keeps every test", () => {
    const texts = fc.sample(fc.tuple(fc.string({ unit: "binary" }), fc.string({ unit: "binary" })), {
      numRuns: 300,
      seed: 7,
    });
    const ledger = addUp([
      header,
      ...texts.map(([title, error]) => failed(title, error)),
      failed("]]>", "\u0000\u001b[31m<&\"'"),
    ]);
    const xml = junitXml({ ledger, tookMs: 1 });
    const parse =
      "import sys, xml.etree.ElementTree as e; r = e.parse(sys.stdin.buffer).getroot(); print(len(r.findall('.//testcase')), r.get('failures'))";
    const { stdout, stderr } = spawnSync("python3", ["-c", parse], { input: xml, encoding: "utf8" });
    expect(stderr).toBe("");
    expect(stdout.trim()).toBe(`${ledger.tests.size} ${ledger.tests.size}`);
  });
});

describe("GitHub annotations", () => {
  it("are one line each, so that no test can add a command of its own", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (title, error) => {
        const [line = ""] = githubAnnotations({ ledger: addUp([header, failed(title, error)]) });
        expect(line).not.toMatch(/[\r\n]/);
        expect(line.startsWith("::error file=a.js,title=")).toBe(true);
        expect(line.slice("::error file=a.js,title=".length).split("::")[0]).not.toMatch(/[:,]/);
      }),
    );
    expect(githubAnnotations({ ledger: addUp([header, failed("x", "a\n::error::b")]) })).toEqual([
      "::error file=a.js,title=x::a%0A::error::b",
    ]);
  });
});
