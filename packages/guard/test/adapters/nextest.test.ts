import { describe, expect, it } from "vitest";
import { filterFlags, readStatusLines } from "../../src/adapters/nextest.ts";

/** As cargo nextest writes it: one line for each test that ended, then a summary that says failures again. */
const written = `    Finished \`test\` profile [unoptimized + debuginfo] target(s) in 0.05s
    Starting 7 tests across 2 binaries (1 test skipped)
        PASS [   0.004s] (1/7) shop::basic prices::rounds_up
        PASS [   0.011s] shop tests::adds
        FAIL [   0.002s] shop::basic fails
  TRY 1 FAIL [   0.003s] shop::basic flaky
  TRY 2 PASS [   0.004s] shop::basic flaky
  TRY 1 FAIL [   0.003s] shop::basic hopeless
  TRY 2 FAIL [   0.004s] shop::basic hopeless
        SLOW [> 60.000s] shop::basic sleeps
     TIMEOUT [ 120.010s] shop::basic sleeps
     SIGABRT [   0.050s] shop::basic aborts
────────────
     Summary [ 120.100s] 7 tests run: 3 passed (1 flaky), 4 failed, 1 skipped
        FAIL [   0.002s] shop::basic fails
   FLAKY 2/2 [   0.004s] shop::basic flaky
error: test run failed`;

describe("nextest's status lines", () => {
  it("give each test once, as it ended", () => {
    const reader = readStatusLines();
    const events = written.split("\n").flatMap((line) => reader.line(line));
    const tests = events.flatMap((event) =>
      event.kind === "test" ? [`${event.file} ${event.path.join(" > ")} ${event.status}`] : [],
    );
    expect(tests.toSorted()).toEqual([
      "shop tests > adds passed",
      "shop::basic aborts failed",
      "shop::basic fails failed",
      "shop::basic flaky passed",
      "shop::basic hopeless failed",
      "shop::basic prices > rounds_up passed",
      "shop::basic sleeps failed",
    ]);
    const shown = events.flatMap((event) => (event.kind === "show" ? [event.text] : [])).join("");
    expect(shown).toBe(`${written}\n`);
  });
});

describe("every word that a test can end with", () => {
  it.each([
    ["        PASS [   1.000s] (  1/100) bin name", "passed"],
    ["        LEAK [   2.000s] (  2/100) bin name", "passed"],
    ["TIMEOUT-PASS [ 240.000s] (  3/100) bin name", "passed"],
    ["        FAIL [   1.000s] (  9/100) bin name", "failed"],
    [" FAIL + LEAK [   1.000s] ( 10/100) bin name", "failed"],
    ["       XFAIL [   1.000s] ( 11/100) bin name", "failed"],
    ["   LEAK-FAIL [   1.000s] ( 12/100) bin name", "failed"],
    ["     TIMEOUT [  60.000s] ( 13/100) bin name", "failed"],
    ["     SIGSEGV [   1.000s] ( 14/100) bin name", "failed"],
    ["ABORT SIG 35 [   1.000s] ( 14/100) bin name", "failed"],
    ["       ABORT [   1.000s] ( 15/100) bin name", "failed"],
    ["        PASS [   1.000s] [2/3] (  20/5000) bin name", "passed"],
    ["        PASS [   1.000s] [2] (─────────) bin name", "passed"],
  ])("%s", (text, status) => {
    expect(readStatusLines().line(text)[0]).toMatchObject({ kind: "test", file: "bin", path: ["name"], status });
  });

  it.each(["FAIL", "FL+LK", "LKFAIL", "TMT", "SEGV", "XFAIL"])("%s of a try that is the last", (word) => {
    const reader = readStatusLines();
    const events = [
      `  TRY 2 ${word} [   1.000s] ( 16/100) bin name`,
      "     Summary [   1.0s] 1 test run: 1 failed",
    ].flatMap((text) => reader.line(text));
    expect(events.filter(({ kind }) => kind === "test")).toMatchObject([{ status: "failed" }]);
  });

  it("a flaky test fails where the project says so", () => {
    const reader = readStatusLines();
    const events = [
      "  TRY 1 FAIL [   1.000s] (  8/100) bin name",
      "  TRY 2 PASS [   1.000s] (  8/100) bin name",
      "           - test configured to fail if flaky",
      "     Summary [   1.0s] 1 test run: 1 failed",
    ].flatMap((text) => reader.line(text));
    expect(events.filter(({ kind }) => kind === "test")).toMatchObject([{ status: "failed" }]);
  });

  it.each([
    "        SLOW [> 60.000s] (─────────) bin name",
    "  TRY 2 SLOW [> 60.000s] (─────────) bin name",
    " TERMINATING [>120.000s] (─────────) bin name",
    "TRY 1 TRMNTG [>120.000s] (─────────) bin name",
    "       START [         ] (1/2) bin name",
    "        SKIP [         ] (1/2) bin name",
    "   DELAY 2/3 [   1.000s] bin name",
    "  SETUP PASS [   1.000s] (1/1) script: program",
  ])("%s is no end", (text) => {
    expect(readStatusLines().line(text)).toEqual([{ kind: "show", text: `${text}\n` }]);
  });
});

describe("the filter", () => {
  it("leaves finished tests out of their binary, keeps unknown binaries, and drops whole ones", () => {
    const finished = new Map([
      ["shop", [[["tests", "adds"], 0] as const]],
      ["shop::basic", [[["a"], 0] as const, [["b"], 0] as const]],
    ]);
    expect(filterFlags({ finished, exclude: ["shop::huge"] })).toEqual([
      "-E",
      "binary_id(=shop) & not (test(=tests::adds))",
      "-E",
      "binary_id(=shop::basic) & not (test(=a) | test(=b))",
      "-E",
      "not (binary_id(=shop) | binary_id(=shop::basic) | binary_id(=shop::huge))",
    ]);
    expect(filterFlags({ finished: new Map(), exclude: [] })).toEqual([]);
  });

  it("runs a binary again whose filter would be longer than an argument can be", () => {
    const tests = Array.from({ length: 10_000 }, (_, at) => [[`a_rather_long_name_${at}`], 0] as const);
    expect(filterFlags({ finished: new Map([["big", tests]]), exclude: [] })).toEqual([]);
  });
});
