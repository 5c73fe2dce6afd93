import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A suite of one framework, as text. */
export interface SuiteKind {
  readonly name: string;
  readonly framework: string;
  /** The Node that runs node:test files, when it is not this one. */
  readonly node?: string;
  readonly manifest: object;
  readonly fileName: (index: number) => string;
  readonly text: (index: number) => string;
}

const peers = join(import.meta.dirname, "node_modules");
const testsPerFile = 12;
/** Each body says when it ends, independent of any reporting: that is what "ran again" is measured by. */
const log = `const { appendFileSync } = require("node:fs"); const ended = (id) => appendFileSync(process.env.BODY_LOG, id + "\\n");`;
const logModule = `import { appendFileSync } from "node:fs"; const ended = (id) => appendFileSync(process.env.BODY_LOG, id + "\\n");`;
const pause = `const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));`;

/** Equal titles, a failing test, a skipped one, nested groups and hooks. */
const bodies = (file: number, describe: string, it: string): string => `
${describe}("group", () => {
  ${Array.from(
    { length: testsPerFile },
    (_, at) =>
      `${it}("test ${at % 8}", async () => { await pause(${20 + ((file * 7 + at * 13) % 50)}); ended("${file}.${at}"); ${
        at === 5 ? 'throw new Error("wanted");' : ""
      } });`,
  ).join("\n  ")}
  ${it}.skip("skipped", () => {});
  ${describe}("inner", () => { ${it}("deep", () => { ended("${file}.deep"); }); });
});
${it}("outside", async () => { await pause(10); ended("${file}.outside"); });
`;

export const kinds: readonly SuiteKind[] = [
  ...[undefined, "22", "24"].map((version) => ({
    name: `node:test (Node ${version ?? process.versions.node.split(".")[0]})`,
    framework: "node-test",
    ...(version === undefined ? {} : { node: join(peers, `node-${version}/bin/node`) }),
    manifest: { scripts: { test: "node --test" } },
    fileName: (index: number) => `s${index}.test.mjs`,
    text: (index: number) =>
      `import test, { describe } from "node:test"; ${logModule} ${pause}\nconst it = test;${bodies(index, "describe", "it")}`,
  })),
  ...["mocha", "mocha --parallel --jobs 2"].map((script) => ({
    name: `Mocha (${script})`,
    framework: "mocha",
    manifest: { scripts: { test: script } },
    fileName: (index: number) => `test/s${index}.js`,
    text: (index: number) => `${log} ${pause}\nbeforeEach(() => {}); ${bodies(index, "describe", "it")}`,
  })),
  {
    name: "Jest",
    framework: "jest",
    manifest: { scripts: { test: "jest" } },
    fileName: (index) => `s${index}.test.js`,
    text: (index) => `${log} ${pause}${bodies(index, "describe", "it")}`,
  },
  {
    name: "Vitest",
    framework: "vitest",
    manifest: { type: "module", scripts: { test: "vitest run" } },
    fileName: (index) => `s${index}.test.js`,
    text: (index) => `import { describe, it } from "vitest"; ${logModule} ${pause}${bodies(index, "describe", "it")}`,
  },
  {
    name: "pytest",
    framework: "pytest",
    manifest: {},
    fileName: (index) => `test_s${index}.py`,
    text: (index) => `import os, time, pytest
def ended(id):
    with open(os.environ["BODY_LOG"], "a") as log: log.write(id + "\\n")
${Array.from(
  { length: testsPerFile },
  (_, at) => `def test_${at}():
    time.sleep(${(20 + ((index * 7 + at * 13) % 50)) / 1000}); ended("${index}.${at}")
    assert ${at === 5 ? "False" : "True"}
@pytest.mark.parametrize("x", [1, 2])
def test_p${at}(x): ended("${index}.p${at}.%d" % x)`,
).join("\n")}
@pytest.mark.skip
def test_skipped(): pass
`,
  },
];

/** Writes a suite of `files` files below a folder. */
export function writeSuite(folder: string, kind: SuiteKind, files: number): void {
  mkdirSync(join(folder, "test"), { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, ...kind.manifest }));
  if (kind.framework === "pytest") writeFileSync(join(folder, "pytest.ini"), "[pytest]\nfilterwarnings = error\n");
  else symlinkSync(peers, join(folder, "node_modules"));
  for (let index = 0; index < files; index++) writeFileSync(join(folder, kind.fileName(index)), kind.text(index));
}
