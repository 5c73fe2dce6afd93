import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { protectedRun } from "./protected-run.ts";
import { kinds, writeSuite } from "./suites.ts";

const scripts = ["jest --runInBand", "jest --maxWorkers=4", "vitest run --maxWorkers=4", "mocha --parallel --jobs 4"];

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "guard-jobs-")));
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
