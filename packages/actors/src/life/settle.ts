import type { Cell } from "../cell/cell.ts";
import { BUSY, DEAD, QUEUED, SIGNALS, STOPPING } from "../cell/flags.ts";
import { continueStop, stopAfterFailure } from "./stopping.ts";
import { isThenable } from "./thenable.ts";

/** Takes what a handler returned: the next state, or a promise that the actor's next message must wait for. */
export function settle(cell: Cell, result: unknown): void {
  if (isThenable(result)) suspend(cell, result);
  else cell.state = result;
}

function suspend(cell: Cell, promise: PromiseLike<unknown>): void {
  cell.flags |= BUSY;
  const onValue = (value: unknown): void => {
    if ((cell.flags & DEAD) !== 0) return;
    cell.flags &= ~BUSY;
    if (value !== undefined) cell.state = value;
    proceed(cell);
  };
  const failed = (error: unknown): void => {
    if ((cell.flags & DEAD) !== 0) return;
    cell.flags &= ~BUSY;
    stopAfterFailure(cell, error);
  };
  promise.then(onValue, failed);
}

/** Goes on after a wait: with the end it was told to come to, or with what has gathered in its lanes. */
export function proceed(cell: Cell): void {
  if ((cell.flags & STOPPING) !== 0) continueStop(cell);
  else if ((cell.count > 0 || (cell.flags & SIGNALS) !== 0) && (cell.flags & QUEUED) === 0)
    cell.system.runQueue.add(cell);
}
