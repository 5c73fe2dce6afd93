import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { detectFramework } from "@constellation/guard";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { protectedRun } from "./protected-run.ts";

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "guard-odd-")));
  symlinkSync(join(import.meta.dirname, "node_modules"), join(root, "node_modules"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function project(script: string, files: Readonly<Record<string, string>>): void {
  const manifest = JSON.stringify({ private: true, scripts: { test: script } });
  for (const [name, text] of Object.entries({ "package.json": manifest, ...files })) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
}
const run = (options: object = {}, environment: Record<string, string> = {}) =>
  protectedRun(root, { stateDirectory: join(root, "state"), ...options }, { environment });

/** What libraries such as mock-fs do: they put functions of their own into what `node:fs` calls. */
const inMemory = `const binding = process.binding("fs"); const own = { ...binding };
const mock = () => Object.assign(binding, Object.fromEntries(["writeString", "writeBuffer", "open"].map((name) => [name, (...args) => {
  if (typeof args[0] === "number" && args[0] <= 2) return own[name](...args);
  throw Object.assign(new Error("EBADF, bad file descriptor"), { code: "EBADF" });
}])));
const restore = () => Object.assign(binding, own);`;

describe("a suite that has its files in memory while its tests run", () => {
  it.each(["mocha", "jest", "node --test"])(
    "is written down (%s)",
    async (script) => {
      const [before, after, from] =
        script === "jest"
          ? ["beforeAll", "afterAll", ""]
          : ["before", "after", 'const { before, after, it } = require("node:test");'];
      project(script, {
        "test/a.test.js": `${inMemory} ${script.startsWith("node") ? from : ""}
${before}(mock); ${after}(restore); it("one", () => {}); it("two", () => {});`,
      });
      const { outcome, stderr } = await run();
      expect(outcome, stderr).toMatchObject({
        kind: "passed",
        tests: ["test/a.test.js one passed", "test/a.test.js two passed"],
      });
    },
    60_000,
  );
});

describe("mocha's workers", () => {
  it("say once that a file has ended", async () => {
    const files = Array.from({ length: 8 }, (_, at) => [`test/s${at}.js`, 'it("fine", () => {});'] as const);
    project("mocha --parallel --jobs 2", Object.fromEntries(files));
    expect((await run()).outcome?.kind).toBe("passed");
    const journal = readFileSync(join(root, "state/journal.jsonl"), "utf8");
    expect(journal.match(/"kind":"end"/g)).toHaveLength(8);
  }, 60_000);
});

describe("a Go module that is reached by a link", () => {
  it("has the packages that it has", () => {
    mkdirSync(join(root, "real/p"), { recursive: true });
    mkdirSync(join(root, "deep/down"), { recursive: true });
    symlinkSync(join(root, "real"), join(root, "deep/down/link"));
    writeFileSync(join(root, "real/go.mod"), "module example.com/m\n\ngo 1.19\n");
    writeFileSync(join(root, "real/p/p_test.go"), 'package p\nimport "testing"\nfunc TestIt(t *testing.T) {}\n');
    const { PWD } = process.env;
    process.env["PWD"] = join(root, "deep/down/link");
    try {
      const { adapter } = detectFramework(join(root, "real"), "go-test");
      if (adapter.shape !== "files") throw new Error("it runs package by package");
      const request = {
        root: join(root, "real"),
        stateDirectory: root,
        args: [],
        paths: [],
        node: [],
        jobs: undefined,
      };
      const [unit] = adapter.units({ ...request, exclude: [], finished: new Map() });
      expect(unit).toMatchObject({ file: "p", environment: { PWD: join(root, "real") } });
    } finally {
      process.env["PWD"] = PWD;
    }
  });
});
