import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** A suite of one framework, as text. */
export interface SuiteKind {
  readonly name: string;
  readonly framework: string;
  /** The Node that runs node:test files, when it is not this one. */
  readonly node?: string;
  readonly manifest: object;
  readonly fileName: (index: number) => string;
  readonly text: (index: number) => string;
  /** Results of one file that a run must have at least. @default 12 */
  readonly leastResults?: number;
}

const peers = join(import.meta.dirname, "node_modules");
export const testsPerFile = 12;
/** Each body says when it ends, independent of any reporting: that is what "ran again" is measured by. */
const log = `const { appendFileSync } = require("node:fs"); const ended = (id) => appendFileSync(process.env.BODY_LOG, id + "\\n");`;
const logModule = `import { appendFileSync } from "node:fs"; const ended = (id) => appendFileSync(process.env.BODY_LOG, id + "\\n");`;
const pause = `const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));`;

/** Equal titles, a failing test, a skipped one, nested groups and hooks. */
const bodies = (file: number, describe: string, it: string, titles = 8): string => `
${describe}("group", () => {
  ${Array.from(
    { length: testsPerFile },
    (_, at) =>
      `${it}("test ${at % titles}", async () => { await pause(${20 + ((file * 7 + at * 13) % 50)}); ended("${file}.${at}"); ${
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
    name: "Playwright",
    framework: "playwright",
    manifest: { scripts: { test: "playwright test" } },
    fileName: (index) => `test/s${index}.spec.js`,
    text: (index) =>
      // Equal titles are an error to Playwright.
      `const { test } = require("@playwright/test"); const describe = test.describe; const it = test; ${log} ${pause}${bodies(index, "describe", "it", testsPerFile)}`,
  },
  {
    name: "go test",
    framework: "go-test",
    manifest: {},
    fileName: (index) => `p${index}/s_test.go`,
    text: (index) => `package p${index}
import ("os"; "testing"; "time")
func ended(id string) { log, _ := os.OpenFile(os.Getenv("BODY_LOG"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0644); log.WriteString(id + "\\n"); log.Close() }
${Array.from(
  { length: testsPerFile },
  (_, at) => `func TestN${at}(t *testing.T) {
	time.Sleep(${20 + ((index * 7 + at * 13) % 50)} * time.Millisecond)
	ended("${index}.${at}")
	${at === 5 ? 't.Fatal("wanted")' : 't.Run("sub", func(t *testing.T) { })'}
}`,
).join("\n")}
func TestSkipped(t *testing.T) { t.Skip() }
`,
  },
  {
    name: "TAP",
    framework: "tap",
    manifest: { scripts: { test: "tape 'test/*.js'" } },
    fileName: (index) => `test/s${index}.js`,
    text: (index) =>
      `${log} ${pause} pause(${100 + index * 30}).then(() => { ended("${index}"); console.log("TAP version 13\\n1..1\\n${index === 2 ? "not ok" : "ok"} 1 it"); process.exitCode = ${index === 2 ? 1 : 0}; });`,
    leastResults: 1,
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
  if (kind.framework === "go-test") writeFileSync(join(folder, "go.mod"), "module example.com/suite\n\ngo 1.19\n");
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, ...kind.manifest }));
  if (kind.framework === "pytest") writeFileSync(join(folder, "pytest.ini"), "[pytest]\nfilterwarnings = error\n");
  else if (kind.framework !== "go-test") symlinkSync(peers, join(folder, "node_modules"));
  for (let index = 0; index < files; index++) {
    const path = join(folder, kind.fileName(index));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, kind.text(index));
  }
}
