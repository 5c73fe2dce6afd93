import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { places } from "@constellation/contract";
import { expect, onTestFinished, test } from "vitest";
import { layoutOf, prepareFolders } from "../../src/paths/index.ts";

const modeOf = (path: string): number => statSync(path).mode & 0o777;

test.runIf(process.getuid?.() === 0)("instances of root reach what lies in a home that was made for root alone", () => {
  const folder = mkdtempSync(join(tmpdir(), "layout-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const home = join(folder, "home");
  mkdirSync(home, { mode: 0o700 });
  prepareFolders(layoutOf(places({ CONSTELLATION_HOME: home }, 0)));
  // Passed through, not listed.
  expect(modeOf(home)).toBe(0o711);
});
