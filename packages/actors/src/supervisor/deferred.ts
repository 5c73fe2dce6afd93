import type { Signal } from "../cell/cell.ts";
import { Fifo } from "../queue/fifo.ts";
import type { Wanted } from "./task.ts";

/** Signals that came while a supervisor was busy with something else, in their order. */
export class Deferred {
  readonly #signals = new Fifo<Signal>();
  /** Those among them that a task may wait for: all but calls, of which there can be very many. */
  #news = 0;

  push(signal: Signal): void {
    this.#signals.push(signal);
    if (signal.kind !== "call") this.#news += 1;
  }

  /** Takes the oldest. */
  shift(): Signal | undefined {
    const signal = this.#signals.shift();
    if (signal !== undefined && signal.kind !== "call") this.#news -= 1;
    return signal;
  }

  /** Takes the oldest that is wanted. */
  take(wanted: Wanted): Signal | undefined {
    if (this.#news === 0) return undefined;
    let found: Signal | undefined;
    // Once round: the others keep their order.
    for (let left = this.#signals.size; left > 0; left -= 1) {
      const signal = this.shift() as Signal;
      if (found === undefined && wanted(signal)) found = signal;
      else this.push(signal);
    }
    return found;
  }
}
