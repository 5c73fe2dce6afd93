import { availableParallelism } from "node:os";
import type { Standby } from "../launch/standby/standby.ts";
import type { ProcessParts } from "../process/process-driver.ts";
import { spareBudget } from "./budget.ts";
import type { Shape } from "./shape.ts";
import { discardSpare, makeSpare, type Spare } from "./spare.ts";

/** After a start the machine belongs to what was started. */
const refillDelayMs = 200;
const retryMs = { first: 5000, most: 600_000 };
/** Shapes that are remembered. */
const mostShapes = 8;
/** Of one shape, when apps of it run; before that one is enough. */
const mostOfOne = 2;

/** With a second processor it wakes up while the rest of the start is made. */
const isWilling = (standby: Standby): boolean => (availableParallelism() > 1 ? standby.rouse() : standby.waits);

/** What `doctor` says about them. */
export interface SparesView {
  readonly waiting: number;
  readonly budget: number;
  /** Why the last attempt to make one failed; null when it did not. */
  readonly trouble: string | null;
}

/** Keeps programs waiting, of the shapes that were asked for last, within the budget of the machine. */
export class Spares {
  readonly #parts: ProcessParts;
  readonly #wanted: number | "auto";
  readonly #life = new AbortController();
  readonly #first: Shape;
  /** Asked for, the last one first. */
  #shapes: readonly Shape[] = [];
  #ready: readonly Spare[] = [];
  #making: Promise<void> | null = null;
  /** Something was taken or asked for while one was made. */
  #changed = false;
  #timer: NodeJS.Timeout | null = null;
  readonly #failures = new Map<string, { readonly times: number; readonly notBeforeMs: number }>();
  #trouble: string | null = null;

  /** @param first the shape of an app that asks for nothing, for the time before any was asked for */
  constructor(parts: ProcessParts, first: Shape, wanted: number | "auto") {
    this.#parts = parts;
    this.#first = first;
    this.#wanted = wanted;
    this.#schedule();
  }

  get view(): SparesView {
    return { waiting: this.#ready.length, budget: spareBudget(this.#wanted), trouble: this.#trouble };
  }

  /** Whether a program of this shape waits. */
  has({ key }: Shape): boolean {
    return this.#ready.some(({ shape, standby }) => shape.key === key && standby.waits);
  }

  /** A program of this shape that waits, which is the caller's from here on. Another one is made in its place. */
  take(shape: Shape): Spare | null {
    this.note(shape);
    const found = this.#ready.find(({ shape: { key }, standby }) => key === shape.key && isWilling(standby));
    if (found === undefined) return null;
    this.#ready = this.#ready.filter((spare) => spare !== found);
    return found;
  }

  /** A program of this shape runs, and may be wanted again. */
  note(shape: Shape): void {
    this.#shapes = [shape, ...this.#shapes.filter(({ key }) => key !== shape.key)].slice(0, mostShapes);
    this.#schedule();
  }

  /** Resolves when nothing of them is left. */
  async close(): Promise<void> {
    this.#life.abort(new Error("the daemon ends"));
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#making;
    const left = this.#ready;
    this.#ready = [];
    await Promise.all(left.map((spare) => discardSpare(spare, this.#parts)));
  }

  #schedule(delayMs = refillDelayMs): void {
    if (this.#life.signal.aborted) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#tryToRefill(), delayMs).unref();
  }

  /** Nobody waits for what is made ahead: without a descriptor to look at it, it is looked at later. */
  async #tryToRefill(): Promise<void> {
    try {
      await this.#refill();
    } catch (error) {
      this.#making = null;
      this.#trouble = error instanceof Error ? error.message : String(error);
      this.#schedule(retryMs.first);
    }
  }

  /** One at a time: each takes a whole core for some 60 ms. */
  async #refill(): Promise<void> {
    if (this.#making !== null) {
      this.#changed = true;
      return;
    }
    this.#changed = false;
    const plan = planRefill({
      shapes: this.#shapes.length > 0 ? this.#shapes : [this.#first],
      most: this.#shapes.length > 0 ? mostOfOne : 1,
      budget: spareBudget(this.#wanted),
      ready: this.#ready.map((spare) => ({ key: spare.shape.key, waits: spare.standby.waits })),
    });
    const surplus = this.#ready.filter((_, at) => plan.surplus.includes(at));
    this.#ready = this.#ready.filter((_, at) => !plan.surplus.includes(at));
    const due = plan.missing.filter((shape) => this.#mayTry(shape));
    const [next] = due;
    this.#making = (async () => {
      await Promise.all(surplus.map((spare) => discardSpare(spare, this.#parts)));
      if (next !== undefined && !this.#life.signal.aborted) await this.#make(next);
    })();
    await this.#making;
    this.#making = null;
    if (due.length > 1 || this.#changed) this.#schedule(0);
    else if (plan.missing.length > due.length) this.#schedule(retryMs.first);
  }

  async #make(shape: Shape): Promise<void> {
    try {
      const spare = await makeSpare(shape, this.#parts, this.#life.signal);
      // Read after the wait: others may have been taken meanwhile.
      this.#ready = [...this.#ready, spare];
      this.#failures.delete(shape.key);
      this.#trouble = null;
    } catch (error) {
      const times = (this.#failures.get(shape.key)?.times ?? 0) + 1;
      const waitMs = Math.min(retryMs.most, retryMs.first * 2 ** (times - 1));
      this.#failures.set(shape.key, { times, notBeforeMs: performance.now() + waitMs });
      this.#trouble = error instanceof Error ? error.message : String(error);
    }
  }

  #mayTry({ key }: Shape): boolean {
    return performance.now() >= (this.#failures.get(key)?.notBeforeMs ?? 0);
  }
}

/** What waits and what should. */
export interface RefillSituation {
  /** Asked for, the last one first. */
  readonly shapes: readonly Shape[];
  /** Of one shape. */
  readonly most: number;
  readonly budget: number;
  readonly ready: readonly { readonly key: string; readonly waits: boolean }[];
}

/**
 * Which spares must go, by their place in `ready`, and which shapes are to be made, the most urgent one first. Each
 * shape gets one before any gets a second.
 */
export function planRefill({ shapes, most, budget, ready }: RefillSituation): {
  readonly surplus: readonly number[];
  readonly missing: readonly Shape[];
} {
  const rounds = Array.from({ length: most }, () => shapes).flat();
  const open = rounds.slice(0, budget);
  const surplus: number[] = [];
  ready.forEach(({ key, waits }, at) => {
    const place = waits ? open.findIndex((shape) => shape.key === key) : -1;
    if (place === -1) surplus.push(at);
    else open.splice(place, 1);
  });
  return { surplus, missing: open };
}
