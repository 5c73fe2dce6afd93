"use strict";
// mocha --require: in serial mode it runs in mocha's process, in parallel mode in each worker; only a runner that runs tests is changed.
const { openFile, isDraining, holdSync } = require("./journal.cjs");
const Mocha = require(require.resolve("mocha", { paths: [process.cwd()] }));

const files = new Map();
const fileOf = (path) => files.get(path) ?? files.set(path, openFile(path)).get(path);
const fileName = (runnable) => runnable.file ?? runnable.parent?.file ?? "(no file)";
const keys = new WeakMap();
const reported = new WeakSet();

const run = Mocha.Runner.prototype.run;
Mocha.Runner.prototype.run = function (...args) {
  // First, so that a suite whose tests marked `only` have all finished does not run its others.
  if (this.suite.hasOnly?.()) this.suite.filterOnly();
  drop(this.suite);
  follow(this);
  return run.apply(this, args);
};

/** Takes finished tests out; marking them pending would fail suites that forbid pending tests. */
function drop(suite) {
  suite.tests = suite.tests.filter((test) => {
    const file = fileOf(fileName(test));
    if (file.isWhole) return false;
    const key = file.keyOf(test.titlePath());
    keys.set(test, { file, key });
    return !file.isFinished(key);
  });
  // Mocha filters by this list once more when it runs.
  if (Array.isArray(suite._onlyTests)) suite._onlyTests = suite._onlyTests.filter((test) => suite.tests.includes(test));
  suite.suites.forEach(drop);
}

function follow(runner) {
  // A test is finished when its afterEach hooks are through: that is when mocha turns to something else.
  let last;
  const flush = () => {
    last?.();
    last = undefined;
  };
  const finish = (test, status, error) => {
    if (reported.has(test)) return;
    reported.add(test);
    const { file, key } = identity(test);
    last = () => file.report(key, status, test.duration, error);
  };
  const stopWhenAsked = () => {
    flush();
    if (isDraining()) runner.abort();
    else holdSync();
  };
  runner.on("suite", stopWhenAsked);
  runner.on("test", flush);
  runner.on(
    "hook end",
    (hook) => hook.type === "hook" && hook.title.startsWith('"after each"') && isDraining() && runner.abort(),
  );
  runner.on("pass", (test) => finish(test, "passed"));
  runner.on("pending", (test) => {
    flush();
    finish(test, "skipped");
  });
  runner.on("fail", (test, error) => {
    if (test.type === "hook") fileOf(fileName(test)).trouble(test.fullTitle(), error);
    else finish(test, "failed", error?.stack ?? error?.message ?? error);
  });
  runner.on("test end", () => {
    if (isDraining()) runner.abort();
    else holdSync();
  });
  runner.on("suite end", flush);
  runner.on("end", () => {
    flush();
    if (!isDraining()) for (const file of files.values()) if (!file.isWhole) file.end();
    // A worker runs one file after the other.
    files.clear();
  });
}

/** Tests that a suite makes while it runs were not seen before. */
function identity(test) {
  const known = keys.get(test);
  if (known !== undefined) return known;
  // A retried test is a clone that remembers what it was cloned from.
  const original = test._retriedTest && keys.get(test._retriedTest);
  if (original !== undefined) return original;
  const file = fileOf(fileName(test));
  const made = { file, key: file.keyOf(test.titlePath()) };
  keys.set(test, made);
  return made;
}
