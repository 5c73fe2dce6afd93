import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { adapters } from "../../src/adapters/detect.ts";
import { without, withJobs } from "../../src/adapters/own-words.ts";

/** Every framework is installed there. */
const projectWithAll = join(import.meta.dirname, "../../../../e2e/guard");
const names = ["--jobs", "-j"];

describe("the number of jobs of an attempt", () => {
  it("takes the place of the project's own, however that is written", () => {
    for (const own of [["--jobs", "8"], ["--jobs=8"], ["-j", "8"], ["-j8"], ["-j=8"], ["--jobs=50%"]])
      expect(withJobs(["a", ...own, "b"], names, 2)).toEqual(["a", "b", "--jobs=2"]);
  });

  it("leaves a project that asks for fewer its number, and one that is not told its words", () => {
    expect(withJobs(["--jobs", "1"], names, 4)).toEqual(["--jobs=1"]);
    expect(withJobs(["--jobs", "8"], names, undefined)).toEqual(["--jobs", "8"]);
  });

  it("is named once, and nothing else is touched", () => {
    const word = fc.constantFrom("-j", "-j4", "--jobs", "--jobs=3", "--jobsfile", "-x", "-jx", "path", "12");
    fc.assert(
      fc.property(fc.array(word), fc.integer({ min: 1, max: 9 }), (words, jobs) => {
        const given = withJobs(words, names, jobs);
        expect(given.filter((each) => each.startsWith("--jobs="))).toHaveLength(1);
        expect(given.slice(0, -1)).toEqual(without(words, names));
        expect(without(given, names)).toEqual(without(words, names));
      }),
    );
  });
});

describe("words that a framework refuses together", () => {
  const wordsOf = (framework: "jest" | "mocha", args: readonly string[], jobs: number | undefined) => {
    const adapter = adapters[framework];
    if (adapter.shape !== "whole") throw new Error("it runs files");
    const request = {
      root: projectWithAll,
      stateDirectory: "/s",
      paths: [],
      node: [],
      exclude: [],
      finished: new Map(),
    };
    return adapter.program({ ...request, args, jobs }).args;
  };

  it("Jest: in one process, or with workers", () => {
    for (const alone of ["-i", "--runInBand"])
      expect(wordsOf("jest", [alone], 2).filter((word) => word.includes("Workers"))).toEqual([]);
    expect(wordsOf("jest", ["--maxWorkers=4", "--ci"], 1).slice(1)).toEqual(["--ci", "--maxWorkers=1"]);
  });

  it("nothing watches", () => {
    expect(wordsOf("jest", ["--watch", "--watchAll", "--ci"], undefined).slice(1)).toEqual(["--ci"]);
    expect(wordsOf("mocha", ["--watch", "-w", "--exit"], undefined)).not.toContain("--watch");
  });
});
