"use strict";
// node --require, before the test file. node:test hands the results of a file out in order and, up to Node 22, late; so it
// is listened to where tests are made and where they end. The class behind `test()` is reached through the async hook that
// sees the root test being made, which is the same on Node 20, 22 and 24 and for every way of importing node:test.
const { openFile, isDraining, holdSync } = require("./journal.cjs");
const { createHook } = require("node:async_hooks");
const { resolve } = require("node:path");

const counts = { units: 0, failed: 0 };

// Preloads also run in processes and threads that a test starts; only the file itself is followed.
const wanted = process.env.CONSTELLATION_GUARD_FILE;
if (wanted !== undefined && process.argv[1] !== undefined && resolve(process.argv[1]) === wanted) {
  delete process.env.CONSTELLATION_GUARD_FILE;
  const file = openFile(wanted);
  if (file.isWhole) process.exit(0);
  const hook = createHook({
    init(_id, type, _trigger, resource) {
      if (type !== "Test") return;
      hook.disable();
      follow(file, Object.getPrototypeOf(resource));
    },
  });
  hook.enable();
  process.once("exit", (code) => {
    if (isDraining()) return;
    // A script without node:test is one test: itself.
    if (counts.units === 0) file.report(file.keyOf([file.file]), code === 0 ? "passed" : "failed");
    else if (code !== 0 && counts.failed === 0) file.trouble("(file)", `the process ended with ${code}`);
    file.end();
  });
}

function follow(file, Test) {
  for (const name of ["createSubtest", "run", "postRun"])
    if (typeof Test[name] !== "function")
      throw new Error(`node:test of ${process.version} is not known: no Test#${name}`);
  /** Test -> its key, for tests that are units: not inside another test. */
  const keys = new WeakMap();
  const reported = new WeakSet();

  const { createSubtest, run, postRun } = Test;
  Test.createSubtest = function (Factory, name, options, body, overrides) {
    if (Factory.name !== "Test" || !isOutsideTests(this)) return createSubtest.apply(this, arguments);
    const key = file.keyOf([...titlePath(this), titleOf(name, options, body)]);
    const finished = file.isFinished(key);
    const skip = finished ? { ...overrides, skip: "finished in an earlier attempt" } : overrides;
    const made = createSubtest.call(this, Factory, name, options, body, skip);
    keys.set(made, { key, finished });
    counts.units += 1;
    return made;
  };

  Test.run = function (...args) {
    const unit = keys.get(this);
    if (unit !== undefined && !unit.finished) {
      holdSync();
      if (isDraining()) {
        unit.finished = true;
        this.fn = () => {};
        this.skip("the guard is draining");
      }
    }
    return run.apply(this, args);
  };

  const { processPendingSubtests } = Test;
  let ending;
  // Between the end of a test and the return of its postRun the next test may already run: its parent starts it.
  if (typeof processPendingSubtests === "function")
    Test.processPendingSubtests = function (...args) {
      report(ending);
      return processPendingSubtests.apply(this, args);
    };
  Test.postRun = function (...args) {
    ending = this;
    const result = postRun.apply(this, args);
    report(this);
    return result;
  };

  function report(test) {
    if (test === undefined || reported.has(test)) return;
    reported.add(test);
    const unit = keys.get(test);
    if (unit === undefined) {
      if (isSuite(test) && test.error && test.error.failureType !== "subtestsFailed")
        file.trouble(titlePath(test).join(" > "), textOf(test.error));
    } else if (!unit.finished) {
      const status = test.skipped || test.isTodo ? "skipped" : test.passed ? "passed" : "failed";
      if (status === "failed") counts.failed += 1;
      file.report(unit.key, status, durationMs(test), status === "failed" ? textOf(test.error) : undefined);
    }
  }
}

const isSuite = (test) => test.constructor.name === "Suite";
const isRoot = (test) => test.parent === null || test.parent === undefined;

function isOutsideTests(test) {
  for (let at = test; !isRoot(at); at = at.parent) if (!isSuite(at)) return false;
  return true;
}

function titlePath(test) {
  const path = [];
  for (let at = test; !isRoot(at); at = at.parent) path.unshift(at.name);
  return path;
}

/** As node:test words it: the name, else that of the function. */
function titleOf(name, options, body) {
  if (typeof name === "string") return name;
  const named = [name, options, body].find((each) => typeof each === "function");
  return named?.name || "<anonymous>";
}

const durationMs = ({ startTime, endTime }) =>
  Number(startTime) > 0 && Number(endTime) > 0
    ? (Number(endTime) - Number(startTime)) / (typeof startTime === "bigint" ? 1e6 : 1)
    : 0;
const textOf = (error) => error?.cause?.stack ?? error?.stack ?? String(error);
