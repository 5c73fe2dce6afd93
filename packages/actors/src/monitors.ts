import type { Cell } from "./cell.ts";
import { exit, type ExitReason } from "./exit-reason.ts";
import { extrasOf } from "./extras.ts";
import { DEAD } from "./flags.ts";
import type { AnyRef } from "./foreign-ref.ts";
import { signal } from "./system-lane.ts";

/** One watch on one actor; it fires at most once. */
export class Monitor {
  readonly ref: AnyRef;
  readonly #watcher: Cell | ((reason: ExitReason) => void);
  #live = true;

  constructor(ref: AnyRef, watcher: Cell | ((reason: ExitReason) => void)) {
    this.ref = ref;
    this.#watcher = watcher;
  }

  /** The watched actor has ended, or cannot be reached. */
  fire(reason: ExitReason): void {
    if (!this.#live) return;
    this.#live = false;
    const watcher = this.#watcher;
    if (typeof watcher === "function") {
      watcher(reason);
      return;
    }
    watcher.extras?.monitoring?.delete(this);
    signal(watcher, { kind: "down", monitor: this, ref: this.ref, reason });
  }

  /** Ends the watch without a signal. */
  cancel(): void {
    if (!this.#live) return;
    this.#live = false;
    const { local, foreign } = this.ref;
    if (local !== null) local.extras?.watchers?.delete(this);
    else foreign?.demonitor(this);
    if (typeof this.#watcher !== "function") this.#watcher.extras?.monitoring?.delete(this);
  }
}

/** Lets `watcher` know when the actor behind `ref` ends. */
export function monitor(watcher: Cell, ref: AnyRef): Monitor {
  // Fixed to the actor that a name means now: the name may mean another one later.
  const held = new Monitor(ref.local ?? ref, watcher);
  (extrasOf(watcher).monitoring ??= new Set()).add(held);
  attach(held);
  return held;
}

/** Calls `watcher` when the actor behind `ref` ends. */
export function watch(ref: AnyRef, watcher: (reason: ExitReason) => void): Monitor {
  const held = new Monitor(ref.local ?? ref, watcher);
  attach(held);
  return held;
}

/** Ends a watch; a `Down` that is on its way already is still delivered. */
export function demonitor(held: Monitor): void {
  held.cancel();
}

function attach(held: Monitor): void {
  const { local, foreign } = held.ref;
  if (local !== null && (local.flags & DEAD) === 0) (extrasOf(local).watchers ??= new Set()).add(held);
  else if (foreign !== null) foreign.monitor(held);
  else held.fire(exit.noproc);
}
