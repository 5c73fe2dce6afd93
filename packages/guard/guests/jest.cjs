"use strict";
// jest --testRunner: jest-circus with an ear in whatever environment the file asked for.
const { openFile, isDraining, isHolding, longestHoldMs, now } = require("./journal.cjs");
const { dirname } = require("node:path");
const { setTimeout: sleep } = require("node:timers/promises");

const retryTimes = Symbol.for("RETRY_TIMES");

module.exports = async function run(globalConfig, config, environment, runtime, testPath, ...rest) {
  const file = openFile(testPath, projectOf(globalConfig, config));
  if (file.isWhole) return passedOver(testPath);
  const original = environment.handleTestEvent;
  environment.handleTestEvent = async function (event, state) {
    await listen(file, event, state, environment);
    return original?.call(this, event, state);
  };
  const circus = circusOf(config.rootDir);
  try {
    const result = await circus(globalConfig, config, environment, runtime, testPath, ...rest);
    if (result.testExecError) file.trouble("(file)", result.testExecError.stack ?? result.testExecError.message);
    if (!isDraining()) file.end();
    return result;
  } catch (error) {
    file.trouble("(file)", error);
    file.end();
    throw error;
  }
};

/** Projects in one folder may run the same files, each in its own environment. */
function projectOf({ projects = [], rootDir: shared }, { rootDir, displayName, id }) {
  // Each is a folder, a file of settings in one, or settings.
  const folders = projects.map((project) => (typeof project === "string" ? project : (project.rootDir ?? shared)));
  const beside = folders.filter((path) => path === rootDir || dirname(path) === rootDir);
  return beside.length > 1 ? (displayName?.name ?? id) : undefined;
}

/** What Jest wants to hear about a file that is not loaded: one pending test, for a file without tests is a failure to it. */
function passedOver(testFilePath) {
  const at = Date.now();
  const title = "finished in an earlier attempt";
  return {
    leaks: false,
    numFailingTests: 0,
    numPassingTests: 0,
    numPendingTests: 1,
    numTodoTests: 0,
    openHandles: [],
    perfStats: { start: at, end: at, runtime: 0, slow: false },
    skipped: true,
    snapshot: { added: 0, fileDeleted: false, matched: 0, unchecked: 0, uncheckedKeys: [], unmatched: 0, updated: 0 },
    testFilePath,
    testResults: [
      {
        ancestorTitles: [],
        title,
        fullName: title,
        status: "pending",
        duration: null,
        failureDetails: [],
        failureMessages: [],
        invocations: 0,
        location: null,
        numPassingAsserts: 0,
        retryReasons: [],
      },
    ],
  };
}

const keys = new WeakMap();

async function listen(file, event, state, environment) {
  if (event.name === "run_start") skipFinished(file, state.rootDescribeBlock);
  else if (event.name === "test_start") await holdOrSkip(event.test);
  else if (event.name === "test_skip" || event.name === "test_todo") report(file, event.test, "skipped");
  else if (event.name === "test_done") {
    const failed = event.test.errors.length > 0;
    // With retries only the last try counts, and which one is last is known at the end of the file.
    if (!failed || environment.global?.[retryTimes] === undefined)
      report(file, event.test, failed ? "failed" : "passed");
  } else if (event.name === "run_finish") failures(file, state.rootDescribeBlock);
}

function skipFinished(file, block) {
  for (const child of block.children) {
    if (child.type === "describeBlock") skipFinished(file, child);
    else {
      const key = file.keyOf(titlePath(child));
      const finished = file.isFinished(key);
      keys.set(child, { key, reported: finished });
      if (finished) child.mode = "skip";
    }
  }
}

async function holdOrSkip(test) {
  const until = now() + longestHoldMs;
  while (isHolding() && now() < until && !isDraining()) await sleep(20);
  if (!isDraining()) return;
  const known = keys.get(test);
  if (known !== undefined) known.reported = true;
  test.mode = "skip";
}

function failures(file, block) {
  for (const child of block.children) {
    if (child.type === "describeBlock") failures(file, child);
    else if (child.status === "done" && child.errors.length > 0) report(file, child, "failed");
  }
}

function report(file, test, status) {
  const known = keys.get(test) ?? { key: file.keyOf(titlePath(test)), reported: false };
  keys.set(test, known);
  if (known.reported) return;
  known.reported = true;
  file.report(known.key, status, test.duration ?? 0, status === "failed" ? errorText(test.errors[0]) : undefined);
}

function errorText(error) {
  const first = Array.isArray(error) ? (error[0] ?? error[1]) : error;
  return first?.stack ?? first?.message ?? String(first);
}

function titlePath(test) {
  const path = [];
  for (let at = test; at && at.name !== "ROOT_DESCRIBE_BLOCK"; at = at.parent) path.unshift(at.name);
  return path;
}

/** jest-circus need not be hoisted: it is asked for where jest-config finds it. */
function circusOf(rootDir) {
  let from = rootDir;
  for (const name of ["jest", "@jest/core", "jest-config"]) {
    try {
      from = require.resolve(`${name}/package.json`, { paths: [from] });
    } catch {}
  }
  const path = require.resolve("jest-circus/runner", { paths: [from, rootDir] });
  const loaded = require(path);
  return loaded.default ?? loaded;
}
