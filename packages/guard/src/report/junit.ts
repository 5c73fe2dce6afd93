import type { TestRecord } from "../journal/record.ts";
import type { RunOutcome } from "../run/outcome.ts";
import { unfitWords } from "../journal/unfit.ts";
import { testName } from "./summary.ts";

/** JUnit XML: one suite per file, troubles outside tests and files that do not fit as errors of their own. */
export function junitXml({ ledger, tookMs }: Pick<RunOutcome, "ledger" | "tookMs">): string {
  const files = new Map<string, TestRecord[]>();
  for (const test of ledger.tests.values()) {
    const known = files.get(test.file);
    if (known === undefined) files.set(test.file, [test]);
    else known.push(test);
  }
  const outside = [
    ...ledger.troubles.map(({ file, title, error }) => ({ file, title, error })),
    ...[...ledger.unfit.values()].map(({ file, peakBytes, cause = "memory" }) => ({
      file,
      title: unfitWords(cause),
      error: `peak ${peakBytes} bytes`,
    })),
  ];
  for (const { file } of outside) if (!files.has(file)) files.set(file, []);
  const suites = [...files].map(([file, tests]) =>
    suite(
      file,
      tests,
      outside.filter((each) => each.file === file),
    ),
  );
  const all = [...ledger.tests.values()];
  const head = `tests="${all.length + outside.length}" failures="${count(all, "failed")}" errors="${outside.length}" skipped="${count(all, "skipped")}" time="${seconds(tookMs)}"`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ${head}>\n${suites.join("")}</testsuites>\n`;
}

function suite(
  file: string,
  tests: readonly TestRecord[],
  outside: readonly { title: string; error: string }[],
): string {
  const head = `name="${escape(file)}" tests="${tests.length + outside.length}" failures="${count(tests, "failed")}" errors="${outside.length}" skipped="${count(tests, "skipped")}" time="${seconds(tests.reduce((sum, { ms }) => sum + ms, 0))}"`;
  const errors = outside.map(
    ({ title, error }) =>
      `    <testcase name="${escape(title)}" classname="${escape(file)}"><error message="${escape(firstLine(error))}">${escape(error)}</error></testcase>\n`,
  );
  return `  <testsuite ${head}>\n${tests.map(testcase).join("")}${errors.join("")}  </testsuite>\n`;
}

function testcase(test: TestRecord): string {
  const head = `<testcase name="${escape(testName(test))}" classname="${escape(test.file)}" time="${seconds(test.ms)}"`;
  if (test.status === "passed") return `    ${head}/>\n`;
  if (test.status === "skipped") return `    ${head}><skipped/></testcase>\n`;
  const error = test.error ?? "";
  return `    ${head}><failure message="${escape(firstLine(error))}">${escape(error)}</failure></testcase>\n`;
}

const count = (tests: readonly TestRecord[], status: TestRecord["status"]): number =>
  tests.filter((test) => test.status === status).length;
const seconds = (ms: number): string => (ms / 1000).toFixed(3);
const firstLine = (text: string): string => text.split("\n", 1)[0] ?? "";

/** XML 1.0 knows no other control characters than tab, line feed and carriage return. */
function escape(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "\uFFFD");
}
