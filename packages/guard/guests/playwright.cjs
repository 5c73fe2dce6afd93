"use strict";
// PW_TEST_REPORTER: one more reporter beside those of the project. It runs in Playwright's own process.
const { openFile, isDraining } = require("./journal.cjs");
const { writeFileSync } = require("node:fs");
const { join, relative, sep } = require("node:path");

module.exports = class Guard {
  #files = new Map();
  #left = new Map();
  #keys = new Map();
  #stops = false;

  printsToStdio() {
    return false;
  }

  onBegin(config, suite) {
    const tests = suite.allTests();
    const prepares = new Set(config.projects.flatMap(({ dependencies, teardown }) => [...dependencies, teardown]));
    for (const test of tests) {
      const file = this.#file(test.location.file);
      this.#left.set(file, (this.#left.get(file) ?? 0) + 1);
      this.#keys.set(test, file.keyOf(titles(test)));
    }
    // Told what to leave out, it shows only a part of the suite.
    if (process.argv.some((word) => word.startsWith("--test-list-invert=") && word.includes("playwright-finished")))
      return;
    const state = process.env.CONSTELLATION_GUARD_STATE;
    if (state === undefined) return;
    const noted = tests.map((test) => ({
      file: this.#file(test.location.file).file,
      fromRoot: relative(config.rootDir, test.location.file).split(sep).join("/"),
      path: titles(test),
      prepares: prepares.has(test.titlePath()[1]),
    }));
    writeFileSync(join(state, "playwright-suite.json"), JSON.stringify({ rootDir: config.rootDir, tests: noted }));
  }

  onTestEnd(test, result) {
    const file = this.#file(test.location.file);
    const isLast = result.status === test.expectedStatus || result.status === "skipped" || result.retry >= test.retries;
    // One that an earlier failure kept from running (a hook, a group in serial mode) has not ended.
    const didNotRun = result.status === "skipped" && test.expectedStatus !== "skipped";
    if (result.status !== "interrupted" && isLast && !didNotRun) {
      const outcome = test.outcome();
      const status = outcome === "skipped" ? "skipped" : outcome === "unexpected" ? "failed" : "passed";
      const [error] = result.errors;
      const why = status === "failed" ? (error?.stack ?? error?.message ?? result.status) : undefined;
      file.report(this.#keys.get(test), status, result.duration, why);
      const left = this.#left.get(file) - 1;
      this.#left.set(file, left);
      if (left === 0) file.end();
    }
    // Playwright has no way of starting no more tests but this: those that run are interrupted, and run again.
    if (isDraining() && !this.#stops) {
      this.#stops = true;
      process.kill(process.pid, "SIGINT");
    }
  }

  onError(error) {
    const path = error.location?.file;
    if (path !== undefined) this.#file(path).trouble("(file)", error.stack ?? error.message);
  }

  #file(path) {
    if (!this.#files.has(path)) this.#files.set(path, openFile(path));
    return this.#files.get(path);
  }
};

/** Project first: the same test may run in several. */
function titles(test) {
  const [, project, , ...rest] = test.titlePath();
  return [project ?? "", ...rest];
}
