import { execFileSync } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { firstNumber } from "../../src/process/first-number.ts";
import { InstanceNumbers, numberLimit } from "../../src/process/instance-numbers.ts";

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "cst-numbers-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test("a name keeps its number, a free one is used again, the search goes round", () => {
  const state = folder();
  const numbers = new InstanceNumbers(state, numberLimit - 1);
  expect([numbers.take("a.1"), numbers.take("a.2"), numbers.take("a.1")]).toEqual([
    numberLimit - 1,
    0,
    numberLimit - 1,
  ]);
  numbers.forget("a.1");
  expect(new InstanceNumbers(state, numberLimit - 1).take("b.1")).toBe(numberLimit - 1);
});

test("a number that another daemon of this machine uses is passed over, and when all are used it says so", () => {
  const foreign = new Set([5, 6]);
  const numbers = new InstanceNumbers(folder(), 5, (number) => foreign.has(number));
  expect([numbers.take("a.1"), numbers.take("a.2")]).toEqual([7, 8]);
  // What is ours stays ours, whoever else says to have it.
  foreign.add(7);
  expect(numbers.take("a.1")).toBe(7);
  const full = new InstanceNumbers(folder(), 0, () => true);
  expect(() => full.take("a.1")).toThrow(expect.objectContaining({ code: "limit.exceeds-node" }));
});

test("a reserved number that is taken back is free again, unless an instance has got it", () => {
  const numbers = new InstanceNumbers(folder());
  const [first, second] = [numbers.reserve("a spare"), numbers.reserve("a spare")];
  numbers.give("a.1", first);
  numbers.free(first);
  numbers.free(second);
  expect([numbers.take("b.1"), numbers.take("a.1")]).toEqual([second, first]);
});

test("the machine's own daemon begins at 0, any other elsewhere, always at the same place", () => {
  expect(firstNumber("/var/lib/constellation")).toBe(0);
  fc.assert(
    fc.property(fc.string(), (name) => {
      const first = firstNumber(`/home/${name}`);
      expect(first).toBeGreaterThan(0);
      expect(first).toBeLessThan(numberLimit);
      expect(firstNumber(`/home/${name}`)).toBe(first);
    }),
  );
});

test("whatever happens in whatever order, the next daemon finds the same numbers; a line cut off by a crash does not count", () => {
  const names = fc.constantFrom("a.1", "a.2", "b.1", 'we"ird\n.3');
  const change = fc.record({ name: names, forget: fc.boolean() });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), fc.string({ maxLength: 5 }), (changes, torn) => {
      const state = folder();
      const numbers = new InstanceNumbers(state);
      for (const { name, forget } of changes) {
        if (forget) numbers.forget(name);
        else numbers.take(name);
      }
      if (changes.some(({ forget }) => !forget))
        appendFileSync(join(state, "numbers.jsonl"), torn.replaceAll("\n", ""));
      const next = new InstanceNumbers(state);
      for (const name of ["a.1", "a.2", "b.1", 'we"ird\n.3']) expect(next.of(name)).toBe(numbers.of(name));
    }),
    { numRuns: 50 },
  );
});

test("the file does not grow with changes that no longer matter", () => {
  const state = folder();
  const numbers = new InstanceNumbers(state);
  for (let round = 0; round < 3000; round += 1) {
    numbers.take("a.1");
    numbers.forget("a.1");
  }
  numbers.take("b.1");
  expect(readFileSync(join(state, "numbers.jsonl"), "utf8").length).toBeLessThan(30_000);
  expect(new InstanceNumbers(state).of("b.1")).toBe(numbers.of("b.1"));
});

test("a disk that was full for a while costs the numbers that could not be kept, and no later daemon", () => {
  const state = folder();
  const module = new URL("../../dist/process/instance-numbers.js", import.meta.url).href;
  const script = fileURLToPath(new URL("fixtures/full-disk.mjs", import.meta.url));
  // 512 bytes, which no line ends at.
  const words = ["-c", 'ulimit -S -f 1; exec "$@"', "sh", process.execPath, script, module, state];
  const number = Number(execFileSync("sh", words, { encoding: "utf8" }));
  const next = new InstanceNumbers(state);
  expect(next.of("b.1")).toBe(number);
  expect(next.of("a.0")).toBe(0);
});
