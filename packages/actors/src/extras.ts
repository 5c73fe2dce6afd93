import type { PendingAsk } from "./ask.ts";
import type { Cell } from "./cell.ts";
import type { ExitReason } from "./exit-reason.ts";
import type { Fifo } from "./fifo.ts";
import type { ForeignRef } from "./foreign-ref.ts";
import type { MailboxLimits } from "./mailbox-options.ts";
import type { Monitor } from "./monitors.ts";
import type { Offer } from "./offer.ts";
import type { PriorityHeap } from "./priority-heap.ts";
import type { ReceiveTimeout } from "./receive-timeout.ts";
import type { Signal } from "./signal.ts";
import type { WheelEntry } from "./timer-wheel.ts";
import type { ActorTimer } from "./timers.ts";

/** What most actors never need, apart from the cell so that a million idle ones stay small. */
export class Extras {
  signals: Fifo<Signal> | null = null;
  /** Signals handled so far. */
  signalsHandled = 0;
  links: Set<Cell | ForeignRef> | null = null;
  /** Monitors that others hold on this actor. */
  watchers: Set<Monitor> | null = null;
  /** Monitors that this actor holds on others. */
  monitoring: Set<Monitor> | null = null;
  /** The youngest child; the others hang on it by `Cell.elder`. */
  youngest: Cell | null = null;
  names: string[] | null = null;
  groups: string[] | null = null;
  /** Open asks that wait for this actor. */
  asks: PendingAsk | null = null;
  timers: Set<ActorTimer> | null = null;
  /** Called when the actor has started. */
  startWaiters: (() => void)[] | null = null;
  abort: AbortController | null = null;
  exitReason: ExitReason | null = null;
  limits: MailboxLimits | null = null;
  heap: PriorityHeap | null = null;
  offers: Fifo<Offer> | null = null;
  stash: unknown[] | null = null;
  receiveTimeout: ReceiveTimeout | null = null;
  /** The actor whose answer this one awaits, to find circles of asks. */
  awaited: Cell | null = null;
  /** Rings when its children take too long to end. */
  stopAlarm: WheelEntry | null = null;
}

/** The rarely used part of a cell, made on first use. */
export function extrasOf(cell: Cell): Extras {
  return (cell.extras ??= new Extras());
}
