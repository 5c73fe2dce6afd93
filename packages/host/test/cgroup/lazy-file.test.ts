import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { LazyFile } from "../../src/cgroup/lazy-file.ts";

test("a file that could not be opened for a moment is asked for again; one that is not there is not", () => {
  const folder = mkdtempSync(join(tmpdir(), "lazy-file-"));
  const [path, absent] = [join(folder, "usage"), join(folder, "absent")];
  // A link to itself cannot be opened, which says as little of the file as a lack of descriptors.
  symlinkSync(path, path);
  const [file, none] = [new LazyFile(path), new LazyFile(absent)];
  expect(() => file.unsigned()).toThrow(/ELOOP/);
  expect(none.unsigned()).toBeUndefined();
  rmSync(path);
  for (const each of [path, absent]) writeFileSync(each, "5\n");
  expect(file.unsigned()).toBe(5);
  expect(none.unsigned()).toBeUndefined();
  file.close();
  rmSync(folder, { recursive: true });
});
