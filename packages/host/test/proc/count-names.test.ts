import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { countNames } from "../../src/proc/count-names.ts";

test("names are counted up to a bound", () => {
  const folder = mkdtempSync(join(tmpdir(), "names-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  expect(countNames(folder, 0)).toBe(0);
  for (const name of ["a", "b", ".c"]) writeFileSync(join(folder, name), "");
  expect([2, 3, 4].map((most) => countNames(folder, most))).toEqual([undefined, 3, 3]);
});
