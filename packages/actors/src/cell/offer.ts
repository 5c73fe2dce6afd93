import { extrasOf, type Cell, type Offer, type WaitingOffers } from "./cell.ts";
import type { SendOutcome } from "../vocabulary/actor-ref.ts";
import { Fifo } from "../queue/fifo.ts";
import { DEAD, STOPPING } from "./flags.ts";

/** As many senders may wait as the mailbox holds messages, but always this many. */
const fewestWaiting = 1024;

/** Sends, and waits for room when the mailbox is full and its policy is `block`. */
export function offer(cell: Cell, message: unknown, signal: AbortSignal | undefined): Promise<SendOutcome> {
  const limits = cell.extras?.limits ?? cell.script.limits;
  const waiting = waitingIn(cell.extras?.offers ?? null);
  const full = waiting > 0 || cell.count >= cell.capacity;
  if (limits.overflow !== "block" || !full || (cell.flags & (DEAD | STOPPING)) !== 0)
    return Promise.resolve(cell.send(message));
  if (waiting >= Math.max(cell.capacity, fewestWaiting)) {
    cell.system.deadLetters.add(cell, message, "rejected");
    return Promise.resolve("rejected");
  }
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const offers = (extrasOf(cell).offers ??= { queue: new Fifo(), withdrawn: 0 });
    const withdraw = (): void => {
      entry.withdrawn = true;
      offers.withdrawn += 1;
      if (offers.withdrawn * 2 > offers.queue.size) forgetWithdrawn(offers);
      reject(signal?.reason as Error);
    };
    const entry: Offer = {
      message,
      withdrawn: false,
      admit: () => {
        signal?.removeEventListener("abort", withdraw);
        // What the actor makes of the message, such as its rank, may throw: that is for its sender.
        try {
          resolve(cell.send(message));
        } catch (error) {
          reject(error);
        }
      },
    };
    signal?.addEventListener("abort", withdraw, { once: true });
    offers.queue.push(entry);
  });
}

/** Lets waiting senders in while there is room. */
export function admitOffers(cell: Cell, offers: WaitingOffers): void {
  while (offers.queue.size > 0 && cell.count < cell.capacity) admitNext(offers);
}

/** The actor has ended: tells all who wait. */
export function endOffers(offers: WaitingOffers): void {
  while (offers.queue.size > 0) admitNext(offers);
}

function admitNext(offers: WaitingOffers): void {
  const entry = offers.queue.shift() as Offer;
  if (entry.withdrawn) offers.withdrawn -= 1;
  else entry.admit();
}

function waitingIn(offers: WaitingOffers | null): number {
  return offers === null ? 0 : offers.queue.size - offers.withdrawn;
}

function forgetWithdrawn(offers: WaitingOffers): void {
  const kept = new Fifo<Offer>();
  for (let entry = offers.queue.shift(); entry !== undefined; entry = offers.queue.shift())
    if (!entry.withdrawn) kept.push(entry);
  offers.queue = kept;
  offers.withdrawn = 0;
}
