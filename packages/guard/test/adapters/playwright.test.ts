import { expect, it } from "vitest";
import { linesOf, type PlaywrightSuite } from "../../src/adapters/playwright.ts";

const test = (file: string, path: string[], prepares = false) => ({
  file: `test/${file}`,
  fromRoot: file,
  path,
  prepares,
});
const suite: PlaywrightSuite = {
  rootDir: "/p/test",
  tests: [
    test("a.spec.js", ["chromium", "group", "one"]),
    test("a.spec.js", ["chromium", "group", "two"]),
    test("a.spec.js", ["chromium", "twin"]),
    test("a.spec.js", ["chromium", "twin", "inner"]),
    test("a.spec.js", ["firefox", "odd \u203a title"]),
    test("login.setup.js", ["setup", "log in"], true),
    test("b.spec.js", ["", "plain"]),
  ],
};

it("names finished tests, and none that a list cannot name alone", () => {
  const finished = new Map(
    ["test/a.spec.js", "test/b.spec.js", "test/login.setup.js"].map((file) => [
      file,
      suite.tests
        .filter((each) => each.file === file && !["two", "inner"].includes(each.path.at(-1) ?? ""))
        .map(({ path }) => [path, 0] as const),
    ]),
  );
  expect(linesOf(suite, finished, [])).toEqual(["[chromium] › a.spec.js › group › one", "b.spec.js › plain"]);
  expect(linesOf(suite, new Map(), ["test/a.spec.js"])).toEqual(["a.spec.js"]);
});
