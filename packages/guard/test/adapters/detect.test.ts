import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { detectFramework } from "../../src/adapters/detect.ts";
import { entriesOf, findFiles, globPattern } from "../../src/adapters/find-files.ts";
import { splitNodeArgs } from "../../src/adapters/node-args.ts";
import { splitCommands, splitWords } from "../../src/adapters/shell-words.ts";

let root: string;
beforeEach(() => void (root = mkdtempSync(join(tmpdir(), "guard-detect-"))));
afterEach(() => rmSync(root, { recursive: true }));

const write = (path: string, text = ""): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};
const withScript = (scripts: object): ReturnType<typeof detectFramework> => {
  write("package.json", JSON.stringify({ scripts }));
  return detectFramework(root, "auto");
};

describe("detection", () => {
  it.each([
    [
      { test: "mocha --require test/support/env --check-leaks test/ test/acceptance/" },
      "mocha",
      ["--require", "test/support/env", "--check-leaks", "test/", "test/acceptance/"],
    ],
    [
      { test: "npm run lint && npm run unit", lint: "eslint .", unit: "NODE_ENV=test nyc --reporter=lcov mocha" },
      "mocha",
      [],
    ],
    [
      { test: "run-s lint build test:*", lint: "eslint .", "test:types": "tsc", "test:unit": "jest --ci" },
      "jest",
      ["--ci"],
    ],
    [{ test: "npm-run-all --parallel spec lint", spec: "mocha -r x", lint: "eslint ." }, "mocha", ["-r", "x"]],
    [{ test: "c8 borp --reporter=@jsumners/line-reporter test/a.test.js" }, "node-test", ["test/a.test.js"]],
    [{ test: "cross-env CI=1 jest --ci --coverage" }, "jest", ["--ci", "--coverage"]],
    [{ test: "vitest run --pool=threads" }, "vitest", ["--pool=threads"]],
    [
      { test: "node --import tsx --test 'test/**/*.test.ts'" },
      "node-test",
      ["--import", "tsx", "--test", "test/**/*.test.ts"],
    ],
    [{ test: "node --expose-gc ./node_modules/jest/bin/jest.js -i" }, "jest", ["-i"]],
    [{ test: "c8 -r lcov --all node --test" }, "node-test", ["--test"]],
    [{ test: "yarn jest --ci", lint: "eslint ." }, "jest", ["--ci"]],
    [{ test: "yarn jest", jest: "mocha x" }, "mocha", ["x"]],
    [{ test: "pnpm exec vitest run --coverage" }, "vitest", ["--coverage"]],
    [{ test: "npm exec -- mocha -R dot" }, "mocha", ["-R", "dot"]],
    [{ test: "tsx --test 'test/*.ts'" }, "node-test", ["--import", "tsx", "--test", "test/*.ts"]],
    [{ test: "playwright test --project=chromium" }, "playwright", ["--project=chromium"]],
    [
      { test: "node --test --test-timeout 5000 | tap-spec > out.txt 2>&1" },
      "node-test",
      ["--test", "--test-timeout", "5000"],
    ],
    [{ test: "mocha --grep 'a; b && c' test" }, "mocha", ["--grep", "a; b && c", "test"]],
    [{ test: "tape -r ./setup 'test/**/*.js'" }, "tap", ["-r", "./setup", "test/**/*.js"]],
  ])("reads %j", (scripts, name, args) => {
    const { adapter, args: found } = withScript(scripts);
    expect([adapter.name, found]).toEqual([name, args]);
  });

  it("takes borp's files from its settings", () => {
    write(".borp.yaml", "timeout: 10\nfiles:\n  - 'test/**/*.test.js'\n  - test/*.mjs # more\nlines: 90\n");
    expect(withScript({ test: "borp" }).args).toEqual(["test/**/*.test.js", "test/*.mjs"]);
  });

  it("says which steps of the script it does not run", () => {
    const { args, others } = withScript({
      pretest: "tsc",
      test: "npm run a && npm run b && rm -r out",
      a: "node --test a.js",
      b: "mocha b",
    });
    expect([args, others]).toEqual([
      ["--test", "a.js"],
      ["tsc", "mocha b", "rm -r out"],
    ]);
  });

  it("keeps the environment of the script", () => {
    expect(withScript({ test: 'NODE_ENV=test A="b c" mocha' }).environment).toEqual({ NODE_ENV: "test", A: "b c" });
  });

  it("puts variables into what a script says, as a shell does", () => {
    expect(
      splitWords(`A="$HOME --x" '$HOME' "\\$HOME" \${NONE:-b} $NONE $MORE x$HOME`, { HOME: "/h", MORE: "c d" }),
    ).toEqual(["A=/h --x", "$HOME", "$HOME", "b", "c", "d", "x/h"]);
    const { environment } = withScript({ test: 'NODE_OPTIONS="$SURELY_NOT_SET --experimental-vm-modules" npx jest' });
    expect(environment).toEqual({ NODE_OPTIONS: " --experimental-vm-modules" });
  });

  it("says each command of a script, also with operators in quotes", () => {
    expect(splitCommands("a 'b; c' && d | e 2>&1; f & g || \"h && i\"")).toEqual([
      "a 'b; c'",
      "d | e 2>&1",
      "f",
      "g",
      '"h && i"',
    ]);
  });

  it("keeps what a script tells Node, and through which file", () => {
    const { args, environment, node } = withScript({
      test: "A=1 node --experimental-vm-modules node_modules/jest/bin/jest.js --ci",
    });
    expect([args, environment, node]).toEqual([
      ["--ci"],
      { A: "1" },
      ["--experimental-vm-modules", "node_modules/jest/bin/jest.js"],
    ]);
  });

  it.each([
    ["vitest.config.ts", "vitest"],
    ["jest.config.cjs", "jest"],
    [".mocharc.yml", "mocha"],
    ["pytest.ini", "pytest"],
    ["test_thing.py", "pytest"],
    ["playwright.config.ts", "playwright"],
    ["go.mod", "go-test"],
    ["Cargo.toml", "nextest"],
  ])("knows %s", (file, name) => {
    write(file);
    expect(detectFramework(root, "auto").adapter.name).toBe(name);
  });

  it("does not turn in circles, and says what to do when it finds nothing", () => {
    expect(() => withScript({ test: "npm run other", other: "npm test" })).toThrow(/Cannot find out how/);
    expect(() => detectFramework(root, "karma")).toThrow(/not known/);
  });
});

describe("files", () => {
  it("are those that node --test takes", () => {
    for (const path of ["a.test.js", "b-test.mjs", "test.cjs", "test-x.js", "test/any.js", "src/c_test.js"])
      write(path);
    for (const path of ["a.js", "node_modules/x/a.test.js", "a.test.txt", "latest.js", "contest/x.js"]) write(path);
    write("package.json", "{}");
    const { adapter } = detectFramework(root, "node-test");
    const request = {
      root,
      stateDirectory: root,
      args: [],
      paths: [],
      node: [],
      jobs: undefined,
      exclude: ["test.cjs"],
      finished: new Map(),
    };
    const files = adapter.shape === "files" ? adapter.units(request).map(({ file }) => file) : [];
    expect(files).toEqual(["a.test.js", "b-test.mjs", "src/c_test.js", "test-x.js", "test/any.js"]);
    expect(findFiles(root, ["src", "test/*.js"], () => true)).toEqual(["src/c_test.js", "test/any.js"]);
  });

  it("are none in a folder that cannot be looked into", () => {
    write("a.js");
    for (const path of ["gone", "a.js"]) expect(entriesOf(join(root, path))).toEqual([]);
  });

  it.each([
    ["test/**/*.test.js", ["test/a.test.js", "test/b/c.test.js"], ["a.test.js", "test/a.js"]],
    ["*.{test,spec}.?s", ["a.test.js", "b.spec.ts"], ["a.test.jsx", "x/a.test.js"]],
    ["[ab].js", ["a.js"], ["c.js"]],
  ])("match %s", (glob, yes, no) => {
    for (const path of yes) expect(path).toMatch(globPattern(glob));
    for (const path of no) expect(path).not.toMatch(globPattern(glob));
  });

  it("match themselves whatever they are called", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (name) => {
        fc.pre(!/[*?{}[\]]/.test(name));
        expect(globPattern(name).test(name)).toBe(true);
      }),
    );
  });
});

describe("words", () => {
  it("are split as a shell splits them", () => {
    expect(splitWords(`a 'b c' "d \\"e" f\\ g`)).toEqual(["a", "b c", 'd "e', "f g"]);
    expect(splitNodeArgs(["--test", "--test-reporter", "spec", "-r", "x.js", "--flag=1", "a.js"])).toEqual({
      flags: ["-r", "x.js", "--flag=1"],
      patterns: ["a.js"],
    });
  });
});
