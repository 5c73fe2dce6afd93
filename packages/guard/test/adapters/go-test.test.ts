import { expect, it } from "vitest";
import { readGoJson, splitGoArgs } from "../../src/adapters/go-test.ts";

it("reads top-level tests from what go test -json writes, and shows what go test shows", () => {
  const reader = readGoJson("pkg/a");
  const lines = [
    { Action: "run", Package: "m", Test: "TestA" },
    { Action: "output", Package: "m", Test: "TestA", Output: "=== RUN   TestA\n" },
    { Action: "run", Package: "m", Test: "TestA/sub" },
    { Action: "output", Package: "m", Test: "TestA/sub", Output: "    a_test.go:4: bad\n" },
    { Action: "fail", Package: "m", Test: "TestA/sub", Elapsed: 0 },
    { Action: "fail", Package: "m", Test: "TestA", Elapsed: 0.25 },
    { Action: "pass", Package: "m", Test: "TestB", Elapsed: 0.01 },
    { Action: "skip", Package: "m", Test: "TestC", Elapsed: 0 },
    { Action: "output", Package: "m", Output: "FAIL\n" },
    { Action: "fail", Package: "m", Elapsed: 0.3 },
  ].map((event) => JSON.stringify(event));
  const events = [...lines, "# m/broken", ""].flatMap((line) => reader.line(line));
  expect(events.filter(({ kind }) => kind === "test")).toEqual([
    {
      kind: "test",
      file: "pkg/a",
      path: ["TestA"],
      status: "failed",
      ms: 250,
      error: "=== RUN   TestA\n    a_test.go:4: bad\n",
    },
    { kind: "test", file: "pkg/a", path: ["TestB"], status: "passed", ms: 10 },
    { kind: "test", file: "pkg/a", path: ["TestC"], status: "skipped", ms: 0 },
  ]);
  expect(events.flatMap((event) => (event.kind === "show" ? [event.text] : [])).join("")).toContain(
    "FAIL\n# m/broken\n",
  );
});

it("tells flags with values from packages", () => {
  expect(splitGoArgs(["-race", "-run", "TestX", "-tags=e2e", "./api/...", "-count", "1"])).toEqual({
    flags: ["-race", "-run", "TestX", "-tags=e2e", "-count", "1"],
    patterns: ["./api/..."],
  });
});
