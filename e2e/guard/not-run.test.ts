import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { protectedRun } from "./protected-run.ts";

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "guard-not-run-")));
  symlinkSync(join(import.meta.dirname, "node_modules"), join(root, "node_modules"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A project whose tests say when they end, and fail while there is a file `broken`. */
function project(script: string, files: Readonly<Record<string, string>>): void {
  const manifest = { private: true, type: "module", scripts: { test: script } };
  for (const [name, text] of Object.entries({ "package.json": JSON.stringify(manifest), broken: "", ...files })) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
}
const says = `import { appendFileSync, existsSync } from "node:fs";
const ended = (name) => appendFileSync(process.env.BODY_LOG, name + "\\n");
const mend = () => { if (existsSync("broken")) throw new Error("broken"); };`;
const ended = (): string[] =>
  existsSync(join(root, "bodies.log"))
    ? readFileSync(join(root, "bodies.log"), "utf8").split("\n").filter(Boolean)
    : [];
const run = (options: object = {}) =>
  protectedRun(
    root,
    { jobs: 1, stateDirectory: join(root, "state"), ...options },
    {
      environment: { BODY_LOG: join(root, "bodies.log") },
    },
  );

/** What an earlier failure kept from running is not finished: passed over, a resumed run would pass without it. */
describe("tests that their framework did not run", () => {
  it("behind a hook that failed run when they are resumed (Vitest)", async () => {
    project("vitest run", {
      "a.test.js": `${says} import { beforeAll, describe, it } from "vitest";
describe("group", () => { beforeAll(mend); it("one", () => ended("one")); it.skip("idle", () => {}); });
it("two", ({ skip }) => skip());`,
    });
    const first = await run();
    expect(first.outcome?.kind, first.stderr).toBe("failed");
    expect(first.outcome?.tests.toSorted()).toEqual(["a.test.js group idle skipped", "a.test.js two skipped"]);
    rmSync(join(root, "broken"));
    const second = await run({ resume: true });
    expect(second.outcome, second.stderr).toMatchObject({ kind: "passed" });
    expect(ended()).toEqual(["one"]);
  }, 60_000);

  it("after the failure that was asked to be the last run when it is mended (Vitest)", async () => {
    project("vitest run --bail=1", {
      "a.test.js": `${says} import { it } from "vitest";
it("one", () => ended("one")); it("two", () => { mend(); ended("two"); }); it("three", () => ended("three"));`,
    });
    expect((await run()).outcome?.kind).toBe("failed");
    rmSync(join(root, "broken"));
    const second = await run({ resume: true, rerunFailed: true });
    expect(second.outcome, second.stderr).toMatchObject({ kind: "passed" });
    expect(ended()).toEqual(["one", "two", "three"]);
  }, 60_000);

  it("after a failure in serial mode run when it is mended (Playwright)", async () => {
    project("playwright test", {
      "test/a.spec.js": `${says} import { test } from "@playwright/test";
test.describe.configure({ mode: "serial" });
test("one", () => ended("one")); test("two", () => { mend(); ended("two"); }); test("three", () => ended("three"));
test.skip("idle", () => {});`,
    });
    const first = await run();
    expect(first.outcome?.kind, first.stderr).toBe("failed");
    rmSync(join(root, "broken"));
    const second = await run({ resume: true, rerunFailed: true });
    expect(second.outcome, second.stderr).toMatchObject({ kind: "passed" });
    expect(ended()).toContain("three");
  }, 60_000);
});

describe("a file that runs in two projects", () => {
  const test = `ended(process.env.PROJECT ?? globalThis.PROJECT);`;
  const waits = `if ((process.env.PROJECT ?? globalThis.PROJECT) === "b" && existsSync("broken")) await new Promise(() => {});`;

  it.each(["vitest run", "jest"])(
    "is through when it is in both (%s)",
    async (script) => {
      const isVitest = script.startsWith("vitest");
      project(script, {
        "package.json": JSON.stringify({
          private: true,
          scripts: { test: script },
          jest: { projects: ["a", "b"].map((name) => ({ displayName: name, globals: { PROJECT: name } })) },
        }),
        "vitest.config.mjs": `export default { test: { projects: ["a", "b"].map((name) => ({ test: { name, env: { PROJECT: name } } })) } };`,
        [isVitest ? "a.test.mjs" : "a.test.js"]: isVitest
          ? `${says} import { it } from "vitest"; it("one", async () => { ${waits} ${test} }, 60_000);`
          : `const { appendFileSync, existsSync } = require("node:fs");
const ended = (name) => appendFileSync(process.env.BODY_LOG, name + "\\n");
it("one", async () => { ${waits} ${test} }, 60_000);`,
      });
      const first = await run({ jobs: 2, timeoutMs: 8000 });
      expect(first.outcome?.kind, first.stderr).toBe("timeout");
      expect(ended()).toEqual(["a"]);
      rmSync(join(root, "broken"));
      const second = await run({ resume: true });
      expect(second.outcome, second.stderr).toMatchObject({ kind: "passed" });
      expect(second.outcome?.tests).toHaveLength(2);
      expect(ended()).toEqual(["a", "b"]);
    },
    90_000,
  );
});

/** It is no test's failure: with all tests of its file passed over it would not be seen any more. */
describe("a hook that fails behind its tests", () => {
  it.each([
    ["jest", "a.test.js", "", "afterAll"],
    ["mocha", "test/a.js", "", "after"],
    ["vitest run", "a.test.js", 'import { afterAll, describe, it } from "vitest";', "afterAll"],
    ["node --test", "a.test.js", 'const { after, describe, it } = require("node:test");', "after"],
  ])(
    "fails again when the run is resumed, and passes when it is mended (%s)",
    async (script, name, from, hook) => {
      const fails = `${hook}(() => { if (require("node:fs").existsSync("broken")) throw new Error("broken"); });`;
      const text = script.startsWith("vitest")
        ? `${says} ${from} describe("group", () => { afterAll(mend); it("one", () => {}); });`
        : `${from} describe("group", () => { ${fails} it("one", () => {}); });`;
      project(script, {
        "package.json": JSON.stringify({ private: true, scripts: { test: script } }),
        [script.startsWith("vitest") ? "a.test.mjs" : name]: text,
      });
      expect((await run()).outcome).toMatchObject({ kind: "failed" });
      expect((await run({ resume: true })).outcome).toMatchObject({ kind: "failed" });
      rmSync(join(root, "broken"));
      const mended = await run({ resume: true });
      expect(mended.outcome, mended.stderr).toMatchObject({ kind: "passed" });
      expect((await run({ resume: true })).outcome).toMatchObject({ kind: "passed" });
    },
    60_000,
  );
});

describe("settings in constellation.test.js", () => {
  it.each(["jest", "vitest run", "node --test"])(
    "are no test of %s",
    async (script) => {
      const from = script.startsWith("vitest") ? 'import { test } from "vitest";' : 'import { test } from "node:test";';
      project(script, {
        "package.json": JSON.stringify({ private: true, scripts: { test: script } }),
        "constellation.test.js": script === "jest" ? "module.exports = {};" : "throw new Error('loaded');",
        [script === "jest" ? "a.test.js" : "a.test.mjs"]: `${script === "jest" ? "" : from} test("fine", () => {});`,
      });
      const { outcome, stderr } = await run();
      expect(outcome, stderr).toMatchObject({ kind: "passed", troubles: [] });
      expect(outcome?.tests).toHaveLength(1);
    },
    60_000,
  );
});

describe("a suite whose set-up leaves something open", () => {
  it("ends when Vitest would end it", async () => {
    project("vitest run", {
      "vitest.config.js": 'export default { test: { globalSetup: "./setup.js", teardownTimeout: 1000 } };',
      "setup.js":
        'import { createServer } from "node:http"; export default () => void createServer().listen(0, "127.0.0.1");',
      "a.test.js": 'import { it } from "vitest"; it("fine", () => {});',
    });
    const { outcome, stderr } = await run({ timeoutMs: 30_000 });
    expect(outcome, stderr).toMatchObject({ kind: "passed" });
  }, 60_000);
});
