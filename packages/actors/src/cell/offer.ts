import { extrasOf, type Cell, type Offer } from "./cell.ts";
import type { SendOutcome } from "../vocabulary/actor-ref.ts";
import { Fifo } from "../queue/fifo.ts";
import { DEAD, STOPPING } from "./flags.ts";

/** As many senders may wait as the mailbox holds messages, but always this many. */
const fewestWaiting = 1024;

/** Sends, and waits for room when the mailbox is full and its policy is `block`. */
export function offer(cell: Cell, message: unknown, signal: AbortSignal | undefined): Promise<SendOutcome> {
  const limits = cell.extras?.limits ?? cell.script.limits;
  const waiting = cell.extras?.offers?.size ?? 0;
  const full = waiting > 0 || cell.count >= cell.capacity;
  if (limits.overflow !== "block" || !full || (cell.flags & (DEAD | STOPPING)) !== 0)
    return Promise.resolve(cell.send(message));
  if (waiting >= Math.max(cell.capacity, fewestWaiting)) {
    cell.system.deadLetters.add(cell, message, "rejected");
    return Promise.resolve("rejected");
  }
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const withdraw = (): void => {
      entry.withdrawn = true;
      reject(signal?.reason as Error);
    };
    const entry: Offer = {
      message,
      withdrawn: false,
      settle: (outcome) => {
        signal?.removeEventListener("abort", withdraw);
        resolve(outcome);
      },
      end: () => entry.settle(cell.send(message)),
    };
    signal?.addEventListener("abort", withdraw, { once: true });
    (extrasOf(cell).offers ??= new Fifo()).push(entry);
  });
}

/** Lets waiting senders in while there is room. */
export function admitOffers(cell: Cell, offers: Fifo<Offer>): void {
  while (offers.size > 0 && cell.count < cell.capacity) {
    const entry = offers.shift() as Offer;
    if (!entry.withdrawn) entry.settle(cell.send(entry.message));
  }
}
