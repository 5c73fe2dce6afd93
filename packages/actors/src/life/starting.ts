import type { Cell } from "../cell/cell.ts";
import { ignore } from "../vocabulary/behavior.ts";
import { end } from "./ending.ts";
import { exit, type ExitReason } from "../vocabulary/exit-reason.ts";
import { DEAD, IGNORED, KILLED, RUNNING, STARTED, STARTING, STOPPING, SUPERVISOR } from "../cell/flags.ts";
import { endKilled } from "./killing.ts";
import { proceed } from "./settle.ts";
import { beginStop, stopAfterFailure } from "./stopping.ts";
import { signal } from "../cell/system-lane.ts";
import { isThenable } from "./thenable.ts";

/** Makes the state of a new cell. `previous` is why the actor that it replaces ended. */
export function start(cell: Cell, args: unknown, previous: ExitReason | null): void {
  const { onStart, onRestart, interpreter } = cell.script;
  if (interpreter !== null) {
    interpreter.start(cell, args);
    return;
  }
  const restarts = previous !== null && onRestart !== null;
  if (!restarts && onStart === null) {
    cell.flags |= STARTED;
    return;
  }
  cell.flags |= RUNNING | STARTING;
  try {
    const state = restarts ? onRestart(args, previous, cell) : onStart?.(args, cell);
    cell.flags &= ~RUNNING;
    if (isThenable(state)) awaitState(cell, state);
    else succeed(cell, state);
  } catch (error) {
    cell.flags &= ~RUNNING;
    fail(cell, error);
  }
}

function awaitState(cell: Cell, state: PromiseLike<unknown>): void {
  const onValue = (value: unknown): void => {
    if ((cell.flags & DEAD) !== 0) return;
    succeed(cell, value);
    const { parent } = cell;
    if (parent !== null && (parent.flags & SUPERVISOR) !== 0 && (cell.flags & (DEAD | STOPPING)) === 0)
      signal(parent, { kind: "child-started", child: cell });
  };
  state.then(onValue, (error: unknown) => {
    if ((cell.flags & DEAD) === 0) fail(cell, error);
  });
}

function succeed(cell: Cell, state: unknown): void {
  cell.flags &= ~STARTING;
  if ((cell.flags & KILLED) !== 0) {
    endKilled(cell);
    return;
  }
  if (state === ignore) {
    cell.flags |= IGNORED;
    beginStop(cell, exit.normal);
    return;
  }
  cell.state = state;
  cell.flags |= STARTED;
  // To stop inside of `onStart` is a start that failed, though with a state that `onStop` can have.
  if ((cell.flags & STOPPING) === 0) announceStart(cell);
  proceed(cell);
}

/** Tells those who wait until the actor has started. */
export function announceStart(cell: Cell): void {
  const waiting = cell.extras?.startWaiters;
  if (cell.extras === null || waiting === null || waiting === undefined) return;
  cell.extras.startWaiters = null;
  for (const started of waiting) started();
}

function fail(cell: Cell, error: unknown): void {
  cell.flags &= ~STARTING;
  if ((cell.flags & KILLED) !== 0) endKilled(cell);
  else if (cell.extras === null) end(cell, exit.error(error));
  else stopAfterFailure(cell, error);
}
