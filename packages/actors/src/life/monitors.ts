import { type Cell, extrasOf, type AnyRef, type Watch } from "../cell/cell.ts";
import type { Monitor } from "../vocabulary/signal.ts";
import { exit, type ExitReason } from "../vocabulary/exit-reason.ts";
import { DEAD } from "../cell/flags.ts";
import { signal } from "../cell/system-lane.ts";

/** A watch by an actor, or by a function. */
export class EndWatch implements Monitor, Watch {
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
export function monitor(watcher: Cell, ref: AnyRef): EndWatch {
  // Fixed to the actor that a name means now: the name may mean another one later.
  const held = new EndWatch(ref.local ?? ref, watcher);
  // Of a handler that goes on after its actor was killed: the watched one would keep it for ever.
  if ((watcher.flags & DEAD) !== 0) return held;
  (extrasOf(watcher).monitoring ??= new Set()).add(held);
  attach(held);
  return held;
}

/** Calls `watcher` when the actor behind `ref` ends. */
export function watch(ref: AnyRef, watcher: (reason: ExitReason) => void): EndWatch {
  const held = new EndWatch(ref.local ?? ref, watcher);
  attach(held);
  return held;
}

/** Ends a watch; a `Down` that is on its way already is still delivered. */
export function demonitor(held: Monitor): void {
  (held as EndWatch).cancel();
}

function attach(held: EndWatch): void {
  const { local, foreign } = held.ref;
  if (local !== null && (local.flags & DEAD) === 0) (extrasOf(local).watchers ??= new Set()).add(held);
  else if (foreign !== null) foreign.monitor(held);
  else held.fire(exit.noproc);
}
