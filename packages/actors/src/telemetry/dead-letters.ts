import type { ActorRef } from "../vocabulary/actor-ref.ts";
import { tell, type Host } from "../host.ts";

/** Why a message reached nobody. */
export type DeadLetterCause =
  /** Its actor had ended, or ended while the message waited. */
  | "dead"
  /** The mailbox was full; the sender was told. */
  | "rejected"
  /** The mailbox was full and its policy drops. */
  | "dropped"
  /** It could not leave this system: not serializable, or the connection was lost. */
  | "undeliverable";

export interface DeadLetter {
  readonly ref: ActorRef<never>;
  readonly message: unknown;
  readonly cause: DeadLetterCause;
}

/** A line of log at most this often; the lines between are counted and said with the next one. */
const quietMs = 5000;

/** Counts every message that reached nobody, tells subscribers, and says so in the log now and then. */
export class DeadLetters {
  readonly counts: Record<DeadLetterCause, number> = { dead: 0, rejected: 0, dropped: 0, undeliverable: 0 };
  readonly #host: Host;
  readonly #listeners = new Set<(letter: DeadLetter) => void>();
  readonly #logs: boolean;
  #quietUntilMs = -Infinity;
  #unsaid = 0;

  constructor(host: Host, logs: boolean) {
    this.#host = host;
    this.#logs = logs;
  }

  /** All of them together. */
  get total(): number {
    const { dead, rejected, dropped, undeliverable } = this.counts;
    return dead + rejected + dropped + undeliverable;
  }

  /** Calls `listener` for each dead letter; returns how to stop that. */
  subscribe(listener: (letter: DeadLetter) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @internal */
  add(ref: ActorRef<never>, message: unknown, cause: DeadLetterCause): void {
    this.counts[cause] += 1;
    if (this.#listeners.size > 0)
      for (const listener of this.#listeners) tell(this.#host, listener, { ref, message, cause });
    if (this.#logs) this.#say(ref, cause);
  }

  #say(ref: ActorRef<never>, cause: DeadLetterCause): void {
    this.#unsaid += 1;
    const nowMs = this.#host.nowMs();
    if (nowMs < this.#quietUntilMs) return;
    this.#quietUntilMs = nowMs + quietMs;
    const more = this.#unsaid > 1 ? ` (and ${this.#unsaid - 1} more since the last such line)` : "";
    this.#unsaid = 0;
    this.#host.log("warn", `dead letter: a message to ${ref.address} was not handled: ${cause}${more}`);
  }
}
