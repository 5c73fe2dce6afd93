import { type Cell, extrasOf, type AnyRef } from "../cell/cell.ts";
import type { ActorRef } from "../vocabulary/actor-ref.ts";
import { end } from "./ending.ts";
import { exit, type ExitReason } from "../vocabulary/exit-reason.ts";
import { BUSY, CHILDREN_TOLD, DEAD, RUNNING, STARTED, STARTING, STOPPING } from "../cell/flags.ts";
import { childrenOf } from "./killing.ts";
import { StopAlarm } from "./stop-alarm.ts";
import { signal } from "../cell/system-lane.ts";
import { isThenable } from "./thenable.ts";

/** Tells the actor behind `ref`, wherever it lives, to end in order. */
export function tellToStop(ref: ActorRef<never>, reason: ExitReason): void {
  const { local, foreign } = ref as AnyRef;
  if (local !== null) signal(local, { kind: "stop", reason });
  else foreign?.stop(reason);
}

/** Ends the actor that calls it, once its handler is done. The first reason counts. */
export function stopSelf(cell: Cell, reason: ExitReason): void {
  if ((cell.flags & (RUNNING | BUSY | STARTING)) === 0) {
    signal(cell, { kind: "stop", reason });
    return;
  }
  if ((cell.flags & (STOPPING | DEAD)) !== 0) return;
  cell.flags |= STOPPING;
  // Most actors that end by themselves end normally, and never needed extras.
  if (reason.kind !== "normal" || cell.extras !== null) extrasOf(cell).exitReason = reason;
}

/** Aborts when the actor is told to end. */
export function abortSignal(cell: Cell): AbortSignal {
  const extras = extrasOf(cell);
  extras.abort ??= new AbortController();
  if ((cell.flags & (STOPPING | DEAD)) !== 0) extras.abort.abort(extras.exitReason ?? exit.killed);
  return extras.abort.signal;
}

/** Starts the orderly end: children first, then `onStop`, then everybody who wanted to know. */
export function beginStop(cell: Cell, reason: ExitReason): void {
  const stopping = (cell.flags & STOPPING) !== 0;
  // A failure on the way out is worth more than the reason to go.
  if (stopping && reason.kind !== "error") return;
  if (cell.extras === null && cell.script.onStop === null) {
    end(cell, reason);
    return;
  }
  cell.flags |= STOPPING;
  extrasOf(cell).exitReason = reason;
  continueStop(cell);
}

/**
 * Goes on after a handler, or `onStart`, that has failed: with that failure, unless it only gave up because it was told
 * to end, by throwing what its signal says or what Node's own calls make of that. Then it ends as it was told.
 */
export function stopAfterFailure(cell: Cell, error: unknown): void {
  const signal = cell.extras?.abort?.signal;
  if (signal?.aborted !== true || !isAbort(error, signal.reason)) beginStop(cell, exit.error(error));
  else if ((cell.flags & STOPPING) !== 0) continueStop(cell);
  else beginStop(cell, signal.reason as ExitReason);
}

function isAbort(error: unknown, reason: unknown): boolean {
  return error === reason || (error instanceof Error && error.name === "AbortError");
}

/** One step further towards the end; call it whenever something that the end waits for has happened. */
export function continueStop(cell: Cell): void {
  const { extras } = cell;
  // One that stops by itself has not been told yet what its children and `onStop` may wait for.
  extras?.abort?.abort(extras.exitReason ?? exit.normal);
  if ((cell.flags & (DEAD | BUSY)) !== 0) return;
  if (extras !== null && extras.youngest !== null) {
    tellChildren(cell);
    return;
  }
  const { onStop } = cell.script;
  const reason = extras?.exitReason ?? exit.normal;
  if (onStop === null || (cell.flags & STARTED) === 0) {
    end(cell, reason);
    return;
  }
  // From here on `onStop` has been called; nothing calls it twice.
  cell.flags &= ~STARTED;
  try {
    const result = onStop(cell.state, reason, cell);
    if (isThenable(result)) awaitOnStop(cell, result, reason);
    else end(cell, reason);
  } catch (error) {
    end(cell, exit.error(error));
  }
}

function awaitOnStop(cell: Cell, result: PromiseLike<unknown>, reason: ExitReason): void {
  cell.flags |= BUSY;
  result.then(
    () => end(cell, reason),
    (error: unknown) => end(cell, exit.error(error)),
  );
}

/** A child has ended: the end that waits for it may go on. */
export function childEnded(cell: Cell): void {
  if ((cell.flags & STOPPING) !== 0) continueStop(cell);
}

function tellChildren(cell: Cell): void {
  if ((cell.flags & CHILDREN_TOLD) !== 0) return;
  cell.flags |= CHILDREN_TOLD;
  for (const child of childrenOf(cell)) signal(child, { kind: "stop", reason: exit.shutdown });
  const alarm = new StopAlarm(cell);
  cell.system.alarms.arm(alarm, cell.system.stopTimeoutMs);
  extrasOf(cell).stopAlarm = alarm;
}
