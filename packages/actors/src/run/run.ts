import { extrasOf, type Cell } from "../cell/cell.ts";
import { exit } from "../vocabulary/exit-reason.ts";
import { BUSY, CAREFUL, DEAD, KILLED, NOT_RECEIVING, RUNNING, SIGNALS, STOPPING, SUPERVISOR } from "../cell/flags.ts";
import { endKilled } from "../life/killing.ts";
import { listen } from "./listen.ts";
import { shrink, take } from "../queue/mailbox.ts";
import { admitOffers } from "../cell/offer.ts";
import { receiveCarefully } from "./receive-carefully.ts";
import { settle } from "../life/settle.ts";
import { beginStop, continueStop } from "../life/stopping.ts";

/** Gives `cell` its turn: signals first, then up to `limit` messages. Returns how many messages it handled. */
export function run(cell: Cell, limit: number): number {
  const before = cell.handled;
  cell.flags |= RUNNING;
  try {
    if ((cell.flags & SIGNALS) !== 0) cell.handled += listen(cell);
    // Signals that came meanwhile go before messages, too.
    if ((cell.flags & SIGNALS) === 0) {
      if ((cell.flags & CAREFUL) !== 0) receiveCarefully(cell, limit);
      else receive(cell, limit);
    }
    cell.flags &= ~RUNNING;
  } catch (error) {
    cell.flags &= ~RUNNING;
    if ((cell.flags & KILLED) === 0) beginStop(cell, exit.error(error));
  }
  afterTurn(cell);
  const handled = cell.handled - before;
  if (cell.handled >= mostCounted) carryOver(cell);
  return handled;
}

/** Small integers of the engine end at 2^30: one larger number would cost every actor memory and time. */
const mostCounted = 2 ** 29;

function carryOver(cell: Cell): void {
  extrasOf(cell).handledBefore += cell.handled;
  cell.handled = 0;
}

function receive(cell: Cell, limit: number): void {
  const { script } = cell;
  let left = limit;
  try {
    while (cell.count > 0 && left > 0 && (cell.flags & NOT_RECEIVING) === 0) {
      const message = take(cell);
      left -= 1;
      const result = script.receive(cell.state, message, cell);
      if (result !== undefined) settle(cell, result);
      if ((cell.flags & SIGNALS) !== 0) {
        left -= listen(cell);
        if ((cell.flags & SIGNALS) !== 0) break;
      }
    }
  } finally {
    cell.handled += limit - left;
  }
}

/** Whatever the turn made necessary: an end, or room for those who wait to send. */
function afterTurn(cell: Cell): void {
  if ((cell.flags & (STOPPING | DEAD)) !== 0) {
    if ((cell.flags & DEAD) !== 0) return;
    if ((cell.flags & KILLED) !== 0) endKilled(cell);
    else if ((cell.flags & (BUSY | SUPERVISOR)) === 0) continueStop(cell);
    return;
  }
  if (cell.count === 0) shrink(cell);
  const offers = cell.extras?.offers;
  if (offers !== null && offers !== undefined && offers.queue.size > 0) admitOffers(cell, offers);
}
