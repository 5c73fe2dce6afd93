import type { Interpreter, Cell, Signal } from "../cell/cell.ts";
import { end } from "../life/ending.ts";
import type { ActorRef } from "../vocabulary/actor-ref.ts";
import { exit, type ExitReason } from "../vocabulary/exit-reason.ts";
import { STARTED, STARTING_CHILDREN, STOPPING, SUPERVISOR } from "../cell/flags.ts";
import { endKilled } from "../life/killing.ts";
import { announceStart } from "../life/starting.ts";
import { signal } from "../cell/system-lane.ts";
import type { SupervisorCall } from "./call.ts";
import { recordOf, type SupervisedChild } from "./child.ts";
import { alarmRang, childExited } from "./restarting.ts";
import { serve } from "./requests.ts";
import { callOffRestart, startInOrder } from "./starting-children.ts";
import { SupervisorState } from "./supervisor-state.ts";
import type { AnySupervisorOptions } from "./supervisor-options.ts";
import type { Task, Wanted } from "./task.ts";
import { terminateDynamic, terminateInReverse } from "./terminating.ts";

/** The child whose start failed, and with it the start of its supervisor. */
export class ChildStartError extends Error {
  override readonly name = "ChildStartError";
  readonly child: string;
  readonly reason: ExitReason;

  constructor(supervisor: string, child: string, reason: ExitReason) {
    super(`Cannot start ${supervisor}: its child ${JSON.stringify(child)} did not start`, {
      cause: reason.kind === "error" ? reason.error : reason,
    });
    this.child = child;
    this.reason = reason;
  }
}

/** Makes the options of a supervisor at its start. */
export type OptionsFor = (args: unknown, self: ActorRef<never>) => AnySupervisorOptions;

/** The life of a supervisor: one task at a time, signals that it does not wait for put off until it is done. */
export class SupervisorInterpreter implements Interpreter {
  readonly #options: OptionsFor;

  constructor(options: OptionsFor) {
    this.#options = options;
  }

  start(cell: Cell, args: unknown): void {
    let state: SupervisorState;
    try {
      state = new SupervisorState(cell, this.#options(args, cell));
    } catch (error) {
      end(cell, exit.error(error));
      return;
    }
    cell.state = state;
    cell.flags |= STARTING_CHILDREN;
    const spawning = { isOnStack: true };
    begin(state, startAll(state, spawning));
    spawning.isOnStack = false;
    // What a child has asked it while it was being started.
    goOn(state);
  }

  signal(cell: Cell, item: Signal): void {
    const state = cell.state as SupervisorState;
    if (state.task === null) begin(state, handle(state, item));
    else if (state.task.wanted(item)) resume(state, state.task.steps, item);
    else state.deferred.push(item);
    goOn(state);
  }

  ended(cell: Cell): void {
    const state = cell.state as SupervisorState | undefined;
    if (state === undefined) return;
    state.task = null;
    for (let item = state.deferred.shift(); item !== undefined; item = state.deferred.shift())
      if (item.kind === "call") item.call.refuse();
    if (state.current !== null) state.current.refuse();
    const children = state.family.kind === "list" ? state.family.children.values() : state.family.waiting;
    for (const child of children) callOffRestart(state, child);
  }
}

function begin(state: SupervisorState, steps: Task<void>): void {
  // Only marks the supervisor as busy until the first wait says what for.
  state.task = { steps, wanted: never };
  resume(state, steps, noSignal);
}

/** Does what was put off, as far as that goes without waiting. */
function goOn(state: SupervisorState): void {
  while (state.task === null) {
    const next = state.deferred.shift();
    if (next === undefined) return;
    begin(state, handle(state, next));
  }
}

function resume(state: SupervisorState, steps: Task<void>, news: Signal): void {
  try {
    for (let next: Signal | undefined = news; next !== undefined;) {
      const step = steps.next(next);
      state.task = step.done === true ? null : { steps, wanted: step.value };
      next = step.done === true ? undefined : state.deferred.take(step.value);
    }
  } catch (error) {
    // A bug of the supervisor itself: it ends, and its children with it.
    state.task = null;
    endKilled(state.cell, exit.error(error));
  }
}

const never: Wanted = () => false;
/** Starts a generator; it looks at nothing before its first wait. */
const noSignal: Signal = { kind: "alarm", token: {} };

function* startAll(state: SupervisorState, spawning: { readonly isOnStack: boolean }): Task<void> {
  const { cell, family } = state;
  if (family.kind === "list") {
    const failed = yield* startInOrder(state, [...family.children.values()], () => null);
    if (failed !== null) {
      yield* terminateInReverse(state, [...family.children.values()]);
      const error = new ChildStartError(cell.address, failed.child.plan.id ?? "", failed.reason);
      cell.flags &= ~STARTING_CHILDREN;
      end(cell, exit.shutdownWith(error));
      return;
    }
  }
  cell.flags = (cell.flags & ~STARTING_CHILDREN) | STARTED;
  announceStart(cell);
  const { parent } = cell;
  if (!spawning.isOnStack && parent !== null && (parent.flags & SUPERVISOR) !== 0)
    signal(parent, { kind: "child-started", child: cell });
}

function* handle(state: SupervisorState, item: Signal): Task<void> {
  let isOver = false;
  switch (item.kind) {
    case "stop":
      yield* shutDown(state, item.reason);
      return;
    case "child-exit": {
      const child = recordOf(item.child) as SupervisedChild;
      // The end of one whose start had failed before what it left behind was gone.
      if (child.cell !== item.child) return;
      if (state.family.kind === "dynamic") state.family.running -= 1;
      isOver = yield* childExited(state, child, item.reason);
      break;
    }
    case "alarm":
      isOver = yield* alarmRang(state, item.token);
      break;
    case "call":
      yield* answer(state, item.call as SupervisorCall);
      break;
    default:
      // Exits of actors that it is linked to but does not supervise mean nothing to it, as in OTP.
      return;
  }
  if (isOver) yield* shutDown(state, exit.shutdown);
}

function* answer(state: SupervisorState, call: SupervisorCall): Task<void> {
  state.current = call;
  try {
    call.answer(yield* serve(state, call.request));
  } catch (error) {
    call.fail(error);
  }
  state.current = null;
}

function* shutDown(state: SupervisorState, reason: ExitReason): Task<void> {
  const { cell, family } = state;
  cell.flags |= STOPPING;
  if (family.kind === "dynamic") yield* terminateDynamic(state, family);
  else yield* terminateInReverse(state, [...family.children.values()]);
  end(cell, reason);
}
