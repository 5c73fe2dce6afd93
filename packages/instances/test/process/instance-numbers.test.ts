import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
