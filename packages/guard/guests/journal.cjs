"use strict";
// Loaded inside somebody else's test process: no warning, no timer, no handle, nothing on stdout, nothing global but one symbol.
// Functions of Node are taken now, before tests replace them.
const { openSync, writeSync, readFileSync, existsSync } = require("node:fs");
const { createHash } = require("node:crypto");
const { join, relative, sep, isAbsolute } = require("node:path");
const { performance } = require("node:perf_hooks");
const real = require("./real-files.cjs");
const { byteLength } = Buffer;
const { stringify, parse } = JSON;
const now = performance.now.bind(performance);
const sleepCell = new Int32Array(new SharedArrayBuffer(4));

const {
  CONSTELLATION_GUARD_JOURNAL: journalPath,
  CONSTELLATION_GUARD_STATE: state,
  CONSTELLATION_GUARD_ROOT: root,
} = process.env;
const drainFlag = state === undefined ? "" : join(state, "drain");
const holdFlag = state === undefined ? "" : join(state, "hold");
/** A test waits no longer than this at level shed: the machine may be full for reasons of its own. */
const longestHoldMs = 1000;
let descriptor;

const table = Int32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});

/** CRC-32 of what was counted before and of the text's UTF-8. */
function countIn(crc, text) {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 127) {
      for (const byte of Buffer.from(text.slice(at))) crc = table[(crc ^ byte) & 255] ^ (crc >>> 8);
      return crc;
    }
    crc = table[(crc ^ code) & 255] ^ (crc >>> 8);
  }
  return crc;
}

const hex = (crc) => ((crc ^ -1) >>> 0).toString(16).padStart(8, "0");
const crc32 = (text) => hex(countIn(-1, text));

/** One write per record, in append mode: it survives the death of everything but the machine. */
function append(record) {
  const body = stringify(record).slice(0, -1);
  write(body, countIn(-1, body));
}

function write(body, crc) {
  if (journalPath === undefined) return;
  const line = `\n${body},"sum":"${hex(crc)}"}`;
  try {
    descriptor ??= real(() => openSync(journalPath, "a", 0o644));
    const written = real(() => writeSync(descriptor, line));
    if (written < byteLength(line)) throw new Error(`only ${written} bytes of a record were taken`);
  } catch (error) {
    giveUp(error);
  }
}

/**
 * Nothing that the tests do from here on could be kept, and node:test of Node 24 waits for ever after an error in what it
 * calls: the process ends. A thread cannot end it and fails where it is.
 */
function giveUp(error) {
  if (!require("node:worker_threads").isMainThread) throw error;
  try {
    writeSync(2, `constellation: Cannot write the journal ${journalPath}: ${error.message}\n`);
  } catch {
    // What it would be written to may lie on the same full disk.
  }
  process.exit(74);
}

/** What a test file is called in the journal and in the plan. */
function nameOf(path) {
  const inside = root === undefined ? path : relative(root, path);
  return (isAbsolute(inside) || inside.startsWith("..") ? path : inside).split(sep).join("/");
}

/** The guard's own settings are named so that frameworks take them for a test. */
const isSettings = (file) => /^constellation\.test\.m?[jt]s$/.test(file);

/** Whether a file need not, or must not, be loaded. */
const isPassedOver = (path) =>
  isSettings(nameOf(path)) || (existsSync(planPath(nameOf(path))) && planOf(nameOf(path), hashOf(path)).whole);

/**
 * The record of one test file while it runs. `project`: where it runs in several projects of one run, the name of this one,
 * which its tests are told apart by. It is not through when one project is: it has no end then, and is always loaded.
 */
function openFile(path, project) {
  const file = nameOf(path);
  const hash = hashOf(path);
  const plan = planOf(file, hash);
  const { finished } = plan;
  const isShared = project !== undefined;
  const whole = plan.whole && (!isShared || plan.finished.size === 0);
  const seen = new Map();
  // What all results of the file begin with is put into words, and counted, once.
  const beginning = `{"kind":"test","file":${stringify(file)},"hash":"${hash}","path":`;
  const counted = countIn(-1, beginning);
  if (!whole) append({ kind: "file", file, hash, pid: process.pid });
  return {
    file,
    isWhole: whole,
    /** Gives equal title paths their occurrence index, in the order in which they are asked for. */
    keyOf(titles) {
      const text = stringify(isShared ? [project, ...titles] : titles);
      const n = seen.get(text) ?? 0;
      seen.set(text, n + 1);
      return { text, n };
    },
    isFinished: ({ text, n }) => finished.size > 0 && finished.has(`[${text},${n}]`),
    report(key, status, durationMs, error) {
      // Tests replace clocks: what is no number is no JSON either.
      const ms = Number.isFinite(durationMs) ? Math.round(durationMs * 100) / 100 : 0;
      const why = error === undefined ? "" : `,"error":${stringify(String(error).slice(0, 4000))}`;
      const rest = `${key.text},"n":${key.n},"status":"${status}","ms":${ms}${why}`;
      write(beginning + rest, countIn(counted, rest));
    },
    /** A failure outside any test: a hook, a file that does not load. Never a reason to skip something. */
    trouble(title, error) {
      append({ kind: "trouble", file, hash, title, error: String(error?.stack ?? error ?? "").slice(0, 4000) });
    },
    end: () => isShared || append({ kind: "end", file, hash }),
  };
}

function hashOf(path) {
  try {
    return createHash("sha256")
      .update(real(() => readFileSync(path)))
      .digest("hex")
      .slice(0, 16);
  } catch {
    return "unreadable";
  }
}

const planPath = (file) =>
  join(state ?? "", "plan", `${createHash("sha256").update(file).digest("hex").slice(0, 24)}.json`);

/** `whole`: the file need not, or must not, be loaded. */
function planOf(file, hash) {
  const nothing = { finished: new Set(), whole: isSettings(file) };
  if (state === undefined) return nothing;
  try {
    const plan = parse(real(() => readFileSync(planPath(file), "utf8")));
    if (plan.file !== file || plan.hash !== hash) return nothing;
    return { finished: new Set(plan.finished.map((key) => stringify(key))), whole: plan.whole };
  } catch (error) {
    if (error.code === "ENOENT") return nothing;
    throw error;
  }
}

/** The guard's wishes are files; looking for them before each of thousands of quick tests would cost more than the tests. */
const wishFreshMs = 10;
let wishes = { atMs: -Infinity, holds: false, drains: false };

function look() {
  const atMs = now();
  if (atMs - wishes.atMs >= wishFreshMs)
    wishes = real(() => ({
      atMs,
      holds: holdFlag !== "" && existsSync(holdFlag),
      drains: drainFlag !== "" && existsSync(drainFlag),
    }));
  return wishes;
}

const isHolding = () => look().holds;
const isDraining = () => look().drains;

/** Waits while the guard holds new tests, without a timer of this realm. */
function holdSync() {
  const until = now() + longestHoldMs;
  while (isHolding() && now() < until && !isDraining()) Atomics.wait(sleepCell, 0, 0, 20);
}

module.exports = { openFile, isPassedOver, isDraining, isHolding, holdSync, longestHoldMs, crc32, now };
