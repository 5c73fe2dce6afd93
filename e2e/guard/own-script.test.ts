import { mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { protectedRun } from "./protected-run.ts";
import { kinds, writeSuite } from "./suites.ts";

const scripts = ["jest --runInBand", "jest --maxWorkers=4", "vitest run --maxWorkers=4", "mocha --parallel --jobs 4"];

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "guard-script-")));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** An attempt after one that died has fewer jobs: its framework is told, whatever its project says already. */
describe.each(scripts)("a project whose test script is %s", (script) => {
  it("runs with the jobs of its attempt", async () => {
    const kind = kinds.find(({ framework }) => script.startsWith(framework));
    if (kind === undefined) throw new Error(`no suite for ${script}`);
    writeSuite(root, { ...kind, manifest: { ...kind.manifest, scripts: { test: script } } }, 2);
    const { outcome, stderr } = await protectedRun(
      root,
      { jobs: 1, stateDirectory: join(root, "state") },
      { environment: { BODY_LOG: join(root, "bodies.log") } },
    );
    expect(outcome?.reason, stderr).toBe("2 test(s) failed");
    expect(outcome?.troubles).toEqual([]);
    expect(outcome?.tests.length).toBeGreaterThan(24);
  }, 60_000);
});

describe("a project that starts its framework through Node", () => {
  it("runs with the flags that it tells Node", async () => {
    const script = "node --experimental-vm-modules node_modules/jest/bin/jest.js --runInBand";
    writeFileSync(
      join(root, "package.json"),
      JSON.stringify({ private: true, type: "module", scripts: { test: script } }),
    );
    // Without the flag Jest cannot load it.
    writeFileSync(
      join(root, "a.test.js"),
      `import { sep } from "node:path"; test("is a module", () => { expect(sep).toBe("/"); });`,
    );
    symlinkSync(join(import.meta.dirname, "node_modules"), join(root, "node_modules"));
    const { outcome, stderr } = await protectedRun(root, { jobs: 1, stateDirectory: join(root, "state") });
    expect(outcome?.kind, stderr).toBe("passed");
    expect(outcome?.tests).toEqual(["a.test.js is a module passed"]);
  }, 60_000);
});
