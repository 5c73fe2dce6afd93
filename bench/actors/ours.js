// This package as the runtime of the Savina cases.
import { ActorSystem } from "@constellation/actors";

export { actor } from "@constellation/actors";

/** A quiet system for one run. */
export function open() {
  return new ActorSystem({ logDeadLetters: false, logReports: false });
}

export function counts(system) {
  return { handled: system.runQueue.handled, dropped: system.deadLetters.total };
}

export function close(system) {
  return system.shutdown();
}
