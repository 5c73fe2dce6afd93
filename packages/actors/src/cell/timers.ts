import { type Cell, type Delivery, extrasOf } from "./cell.ts";
import { DEAD } from "./flags.ts";
import { signal } from "./system-lane.ts";
import { WheelEntry } from "../time/timer-wheel.ts";
import type { ActorTimer } from "../vocabulary/signal.ts";

/** A message on its way through time; it ends with its actor. */
class MessageTimer extends WheelEntry implements ActorTimer {
  readonly #cell: Cell;
  readonly #delivery: Delivery;
  readonly #periodMs: number | null;

  constructor(cell: Cell, message: unknown, periodMs: number | null) {
    super();
    this.#cell = cell;
    this.#delivery = { kind: "deliver", message, isWaiting: false };
    this.#periodMs = periodMs;
  }

  cancel(): boolean {
    this.#cell.extras?.timers?.delete(this);
    return this.#cell.system.alarms.disarm(this);
  }

  override expire(): void {
    const cell = this.#cell;
    if (this.#periodMs === null) cell.extras?.timers?.delete(this);
    else cell.system.alarms.armAt(this, nextDue(this.deadlineMs, this.#periodMs, cell.system.alarms.nowMs()));
    // An actor that was busy for many beats finds one of them.
    if (this.#delivery.isWaiting === true) return;
    this.#delivery.isWaiting = true;
    signal(cell, this.#delivery);
  }
}

/** Delivers `message` to `cell` once. @throws RangeError for a negative delay */
export function sendAfter(cell: Cell, delayMs: number, message: unknown): ActorTimer {
  if (!(delayMs >= 0)) throw new RangeError(`Cannot send a message after ${delayMs} ms: wanted 0 or more`);
  return begin(cell, new MessageTimer(cell, message, null), delayMs);
}

/** Delivers `message` to `cell` again and again. @throws RangeError for a period below 1 ms */
export function sendEvery(cell: Cell, periodMs: number, message: unknown): ActorTimer {
  if (!(periodMs >= 1)) throw new RangeError(`Cannot send a message every ${periodMs} ms: wanted 1 or more`);
  return begin(cell, new MessageTimer(cell, message, periodMs), periodMs);
}

function begin(cell: Cell, timer: MessageTimer, delayMs: number): ActorTimer {
  // Of a handler that goes on after its actor was killed: nobody would ever cancel it.
  if ((cell.flags & DEAD) !== 0) return timer;
  (extrasOf(cell).timers ??= new Set()).add(timer);
  cell.system.alarms.arm(timer, delayMs);
  return timer;
}

/** Keeps the rhythm, and skips beats that have passed. */
function nextDue(dueMs: number, periodMs: number, nowMs: number): number {
  const missed = Math.max(0, Math.floor((nowMs - dueMs) / periodMs));
  return dueMs + periodMs * (missed + 1);
}
