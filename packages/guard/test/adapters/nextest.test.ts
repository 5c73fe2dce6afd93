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
