import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Adapter, type AdapterRequest, guestFile } from "./adapter.ts";
import { projectProgram } from "./project-program.ts";

/** Playwright, with one more reporter beside the project's own; finished tests are left out by a list of tests. */
export const playwright: Adapter = {
  name: "playwright",
  shape: "whole",
  nothingToRun: [],
  program(request) {
    const { root, args, paths, jobs } = request;
    const { program, environment } = projectProgram(root, "playwright", []);
    return {
      program,
      args: ["test", ...args, ...(jobs === undefined ? [] : [`--workers=${jobs}`]), ...listFlags(request), ...paths],
      environment: { ...environment, PW_TEST_REPORTER: guestFile("playwright.cjs") },
    };
  },
};

/** What the reporter has noted of the whole suite when nothing was left out yet. */
export interface PlaywrightSuite {
  /** What the list's file names begin at. */
  readonly rootDir: string;
  readonly tests: readonly {
    readonly file: string;
    readonly fromRoot: string;
    readonly path: readonly string[];
    /** Its project prepares others: it runs again whenever they do. */
    readonly prepares: boolean;
  }[];
}

/** Where the reporter notes the suite, in the folder of the state. */
export const suiteFile = "playwright-suite.json";

function listFlags({ stateDirectory, finished, exclude }: AdapterRequest): string[] {
  if (finished.size === 0 && exclude.length === 0) return [];
  let suite: PlaywrightSuite;
  try {
    suite = JSON.parse(readFileSync(join(stateDirectory, suiteFile), "utf8")) as PlaywrightSuite;
  } catch {
    // Without it nothing can be left out safely: all runs.
    return [];
  }
  const path = join(stateDirectory, "playwright-finished.txt");
  writeFileSync(path, `${linesOf(suite, finished, exclude).join("\n")}\n`);
  return [`--test-list-invert=${path}`];
}

/**
 * Lines of a test list (playwright.dev/docs/test-cli, --test-list). A line means all tests whose titles begin with it, and
 * its titles are trimmed and split at ›: what would say more than the finished test, or cannot be said, is not said.
 */
export function linesOf(
  { tests }: PlaywrightSuite,
  finished: AdapterRequest["finished"],
  exclude: readonly string[],
): string[] {
  const done = new Set(
    [...finished].flatMap(([file, paths]) => paths.map(([path]) => JSON.stringify([file, ...path]))),
  );
  const left = tests.filter(({ file, path }) => !done.has(JSON.stringify([file, ...path])));
  const gone = new Set(exclude);
  const files = [...new Set(tests.filter(({ file }) => gone.has(file)).map(({ fromRoot }) => fromRoot))];
  const single = tests.filter(
    (test) =>
      done.has(JSON.stringify([test.file, ...test.path])) &&
      !test.prepares &&
      test.path.slice(1).every((title) => title === title.trim() && title !== "" && !/[\n\u203a]/.test(title)) &&
      !left.some(({ file, path }) => file === test.file && test.path.every((title, at) => path[at] === title)),
  );
  return [
    ...files,
    ...single.map(({ fromRoot, path: [project = "", ...titles] }) =>
      [...(project === "" ? [] : [`[${project}]`]), fromRoot, ...titles].join(" \u203a "),
    ),
  ];
}
