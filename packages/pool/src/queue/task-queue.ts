import { Fifo } from "@constellation/actors";
import { isBefore, RankHeap, type Ranked } from "./rank-heap.ts";

/** What can wait in a queue. */
export interface Waiting extends Ranked {
  /** Higher goes first; see `rankOf`. */
  readonly priority: number;
  /** False once it is not wanted any more: aborted while it waited. */
  readonly isWanted: boolean;
}

/**
 * Rank of something with `priority` that came at `nowMs`: each step of priority is worth `ageingMs` of waiting. So who
 * waits gains on the later ones without being touched, and low priority is never starved: whoever comes
 * `(difference of priority) * ageingMs` later is behind.
 */
export function rankOf(priority: number, nowMs: number, ageingMs: number): number {
  return nowMs - priority * ageingMs;
}

/**
 * A queue by rank. Priority 0 has a ring of its own, as nearly all tasks are of one priority and come in the order of
 * their ranks; the others are in a heap.
 */
export class TaskQueue<T extends Waiting> {
  #plain = new Fifo<T>();
  readonly #ranked = new RankHeap<T>();
  #unwanted = 0;

  /** Those that are wanted. */
  get size(): number {
    return this.#plain.size + this.#ranked.size - this.#unwanted;
  }

  push(item: T): void {
    if (item.priority === 0) this.#plain.push(item);
    else this.#ranked.push(item);
  }

  /** Puts back what had been taken; it goes before all that came later. */
  putBack(item: T): void {
    if (item.priority === 0) this.#plain.unshift(item);
    else this.#ranked.push(item);
  }

  peek(): T | undefined {
    this.#dropUnwanted();
    return this.#first();
  }

  pop(): T | undefined {
    this.#dropUnwanted();
    const first = this.#first();
    if (first === undefined) return undefined;
    if (first === this.#plain.peek()) this.#plain.shift();
    else this.#ranked.pop();
    return first;
  }

  /** To be called once for each item that waits here and is not wanted any more. */
  noteUnwanted(): void {
    this.#unwanted += 1;
    // They are skipped when their turn comes; until then they may not fill the memory.
    if (this.#unwanted > this.size + 64) this.#compact();
  }

  /** Takes all. */
  *drain(): Generator<T> {
    for (let item = this.pop(); item !== undefined; item = this.pop()) yield item;
  }

  #first(): T | undefined {
    const plain = this.#plain.peek();
    const ranked = this.#ranked.peek();
    if (plain === undefined || ranked === undefined) return plain ?? ranked;
    return isBefore(ranked, plain) ? ranked : plain;
  }

  #dropUnwanted(): void {
    while (this.#unwanted > 0 && this.#plain.peek()?.isWanted === false) {
      this.#plain.shift();
      this.#unwanted -= 1;
    }
    while (this.#unwanted > 0 && this.#ranked.peek()?.isWanted === false) {
      this.#ranked.pop();
      this.#unwanted -= 1;
    }
  }

  #compact(): void {
    const kept = new Fifo<T>();
    for (let item = this.#plain.shift(); item !== undefined; item = this.#plain.shift())
      if (item.isWanted) kept.push(item);
    this.#plain = kept;
    this.#ranked.retain((item) => item.isWanted);
    this.#unwanted = 0;
  }
}
