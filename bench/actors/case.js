// How a case is run: a fresh system each time, and an error unless all of its messages were handled.
import { cpuMs } from "./cpu.js";
import { close, counts, open } from "./runtime.js";

/**
 * Runs `body(system, done)` until it calls `done()`, and returns the time and messages that took.
 * Fails when the runtime handled another number of messages than `expected`, or dropped one.
 */
export async function runCase(expected, body) {
  const system = open();
  const finished = Promise.withResolvers?.() ?? withResolvers();
  const startMs = performance.now();
  const startCpuMs = cpuMs();
  body(system, finished.resolve);
  await finished.promise;
  const wallMs = performance.now() - startMs;
  const usedCpuMs = cpuMs() - startCpuMs;
  await new Promise((resolve) => setImmediate(resolve));
  const { handled, dropped } = counts(system);
  await close(system);
  if (handled !== Number(expected) || dropped !== 0)
    throw new Error(`expected ${Number(expected)} handled messages, found ${handled} handled and ${dropped} dropped`);
  return { wallMicros: wallMs * 1000, micros: usedCpuMs * 1000, messages: Number(expected) };
}

function withResolvers() {
  const made = {};
  made.promise = new Promise((resolve) => (made.resolve = resolve));
  return made;
}
