// How a case is run: a fresh system each time, and an error unless all of its messages were handled.
import { ActorSystem } from "@constellation/actors";

/** A quiet system for one run. */
export function benchSystem() {
  return new ActorSystem({ logDeadLetters: false, logReports: false });
}

/**
 * Runs `body(system, done)` until it calls `done()`, and returns the seconds and messages that took.
 * Fails when the runtime handled another number of messages than `expected`, or dropped one.
 */
export async function runCase(expected, body) {
  const system = benchSystem();
  const finished = Promise.withResolvers?.() ?? withResolvers();
  const startMs = performance.now();
  body(system, finished.resolve);
  await finished.promise;
  const seconds = (performance.now() - startMs) / 1000;
  await new Promise((resolve) => setImmediate(resolve));
  const { handled } = system.runQueue;
  const dropped = system.deadLetters.total;
  await system.shutdown();
  if (handled !== Number(expected) || dropped !== 0)
    throw new Error(`expected ${Number(expected)} handled messages, found ${handled} handled and ${dropped} dropped`);
  return { seconds, messages: expected };
}

function withResolvers() {
  const made = {};
  made.promise = new Promise((resolve) => (made.resolve = resolve));
  return made;
}
