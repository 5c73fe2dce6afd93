import type { ActorRef, SendOutcome } from "../vocabulary/actor-ref.ts";
import type { ActorSystem } from "../system/system.ts";
import { WheelEntry } from "../time/timer-wheel.ts";
import { generator } from "./generator.ts";

/** What can happen to a message before it reaches a mailbox; each is a chance from 0 to 1. */
export interface FaultPlan {
  /** Seed of the dice. @default 1 */
  readonly seed?: number;
  /** Only messages for these actors; all others go through. @default every actor */
  readonly only?: (ref: ActorRef<never>, message: unknown) => boolean;
  readonly drop?: number;
  readonly duplicate?: number;
  /** Delivered after up to `delayMs`. */
  readonly delay?: number;
  /** @default 10 */
  readonly delayMs?: number;
  /** Delivered after the next message to the same actor. */
  readonly reorder?: number;
}

/** What was done so far. */
export interface FaultCounts {
  dropped: number;
  duplicated: number;
  delayed: number;
  reordered: number;
}

/** Throws dice over each message that is sent, until `heal`. */
export class Faults {
  readonly counts: FaultCounts = { dropped: 0, duplicated: 0, delayed: 0, reordered: 0 };
  readonly #system: ActorSystem;
  readonly #plan: FaultPlan;
  readonly #random: () => number;
  /** For each actor, what waits for the next message to pass it. */
  readonly #overtaken = new Map<number, (() => void)[]>();

  constructor(system: ActorSystem, plan: FaultPlan) {
    this.#system = system;
    this.#plan = plan;
    this.#random = generator(plan.seed ?? 1);
    system.interceptWith((ref, message, deliver) =>
      plan.only === undefined || plan.only(ref, message) ? this.#decide(ref, message, deliver) : deliver(message),
    );
  }

  /** Stops it; messages held back for reordering are delivered now. */
  heal(): void {
    this.#system.interceptWith(null);
    for (const waiting of this.#overtaken.values()) for (const deliver of waiting) deliver();
    this.#overtaken.clear();
  }

  #decide(ref: ActorRef<never>, message: unknown, deliver: (message: unknown) => SendOutcome): SendOutcome {
    const { drop = 0, duplicate = 0, delay = 0, reorder = 0, delayMs = 10 } = this.#plan;
    const roll = this.#random();
    if (roll < drop) {
      this.counts.dropped += 1;
      return "queued";
    }
    if (roll < drop + delay) {
      this.counts.delayed += 1;
      this.#system.alarms.arm(new LateDelivery(() => deliver(message)), this.#random() * delayMs);
      return "queued";
    }
    if (roll < drop + delay + reorder) {
      this.counts.reordered += 1;
      const waiting = this.#overtaken.get(ref.id) ?? [];
      waiting.push(() => deliver(message));
      this.#overtaken.set(ref.id, waiting);
      return "queued";
    }
    const outcome = deliver(message);
    if (roll < drop + delay + reorder + duplicate) {
      this.counts.duplicated += 1;
      deliver(message);
    }
    const overtaken = this.#overtaken.get(ref.id) ?? [];
    this.#overtaken.delete(ref.id);
    for (const late of overtaken) late();
    return outcome;
  }
}

class LateDelivery extends WheelEntry {
  readonly #deliver: () => void;

  constructor(deliver: () => void) {
    super();
    this.#deliver = deliver;
  }

  override expire(): void {
    this.#deliver();
  }
}
