import { type Cell, extrasOf } from "./cell.ts";
import { DEAD, IDLE_WATCHED } from "./flags.ts";
import { signal } from "./system-lane.ts";
import { WheelEntry } from "../time/timer-wheel.ts";

/** Tells an actor that no message came for a while. */
export class ReceiveTimeout extends WheelEntry {
  readonly #cell: Cell;
  readonly idleMs: number;

  constructor(cell: Cell, idleMs: number) {
    super();
    this.#cell = cell;
    this.idleMs = idleMs;
  }

  /** The wait starts again. */
  restart(): void {
    const { alarms } = this.#cell.system;
    alarms.disarm(this);
    alarms.arm(this, this.idleMs);
  }

  override expire(): void {
    // Waits again from when the actor has heard of it: a busy one is not told many times.
    signal(this.#cell, { kind: "receive-timeout", idleMs: this.idleMs });
  }
}

/** Sets, changes or (with null) ends the receive timeout. @throws RangeError for less than 1 ms */
export function setReceiveTimeout(cell: Cell, idleMs: number | null): void {
  const extras = extrasOf(cell);
  const { alarms } = cell.system;
  if (extras.receiveTimeout !== null) alarms.disarm(extras.receiveTimeout);
  extras.receiveTimeout = null;
  cell.flags &= ~IDLE_WATCHED;
  if (idleMs === null) return;
  if (!(idleMs >= 1)) throw new RangeError(`Cannot set a receive timeout of ${idleMs} ms: wanted at least 1, or null`);
  // Of a handler that goes on after its actor was killed.
  if ((cell.flags & DEAD) !== 0) return;
  extras.receiveTimeout = new ReceiveTimeout(cell, idleMs);
  cell.flags |= IDLE_WATCHED;
  alarms.arm(extras.receiveTimeout, idleMs);
}
