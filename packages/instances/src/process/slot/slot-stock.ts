import { planStock, type StockBudget } from "./plan-stock.ts";
import { discardSlot, makeSlot, type Slot, type SlotParts } from "./slot.ts";
import { type SlotNeeds, type SlotShape, slotShapeOf } from "./slot-shape.ts";

/**
 * A waiting slot takes some 0.3 MB of the kernel's memory and no time. A restart and the start that follows it find one
 * each; bursts start cold, which costs two milliseconds more.
 */
export const defaultStockBudget: StockBudget = { slots: 4, ofOneShape: 3, quietMs: 15, idleMs: 300_000 };

/** Nothing waits; every start is cold. */
export const noSlots: StockBudget = { ...defaultStockBudget, slots: 0 };

/** After an attempt that failed; doubled with each further one. */
const retryMs = { first: 5000, most: 600_000 };
/** Shapes that are remembered. */
const mostShapes = 8;

interface Asked {
  readonly shape: SlotShape;
  readonly atMs: number;
  readonly failures: number;
  readonly notBeforeMs: number;
}

/** Keeps a few slots waiting, of the shapes that were asked for last. What it holds in memory alone dies with the daemon. */
export class SlotStock {
  readonly #parts: SlotParts;
  readonly #budget: StockBudget;
  readonly #life = new AbortController();
  #asked: readonly Asked[] = [];
  #ready: readonly Slot[] = [];
  #lastStartMs = -Infinity;
  #trouble: string | null = null;
  #work: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(parts: SlotParts, budget: StockBudget = defaultStockBudget) {
    this.#parts = parts;
    this.#budget = budget;
  }

  /** Why the last attempt to make one failed; null when it did not. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Slots that wait now. */
  get waiting(): number {
    return this.#ready.length;
  }

  /**
   * A slot for these needs, moved to the folder of the run, the caller's from here on; null when none waits. Another one
   * is made when it has become quiet.
   */
  take(needs: SlotNeeds, runFolder: string): Slot | null {
    const shape = slotShapeOf(needs);
    if (shape === null || !this.#expect(shape)) return null;
    // Whether it still waits is seen when it gets its command.
    const slot = this.#ready.find((each) => each.shape.key === shape.key);
    if (slot === undefined) return null;
    this.#ready = this.#ready.filter((each) => each !== slot);
    try {
      slot.warm.moveTo(runFolder);
      return slot;
    } catch {
      // Somebody took its folder away.
      void discardSlot(slot).catch(() => undefined);
      return null;
    }
  }

  /** Notes that such a start may come, and that just now is not the time to make slots. False: none can be made for it. */
  expect(needs: SlotNeeds): boolean {
    const shape = slotShapeOf(needs);
    return shape !== null && this.#expect(shape);
  }

  #expect(shape: SlotShape): boolean {
    const nowMs = performance.now();
    this.#lastStartMs = nowMs;
    if (this.#life.signal.aborted) return false;
    const known = this.#asked.find((each) => each.shape.key === shape.key);
    const { failures = 0, notBeforeMs = 0 } = known ?? {};
    const others = this.#asked.filter((each) => each !== known);
    this.#asked = [{ shape, atMs: nowMs, failures, notBeforeMs }, ...others].slice(0, mostShapes);
    this.#look(this.#budget.quietMs);
    return true;
  }

  /** Whether a start with these needs would find a slot. */
  has(needs: SlotNeeds): boolean {
    const key = slotShapeOf(needs)?.key;
    return this.#ready.some(({ shape, warm }) => shape.key === key && warm.waits);
  }

  /** Ends what waits; resolves when nothing of it is left. */
  async close(): Promise<void> {
    this.#life.abort(new Error("the daemon ends"));
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#work;
    const left = this.#ready;
    this.#ready = [];
    await Promise.all(left.map(discardSlot));
  }

  #look(delayMs: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tryToAct(), delayMs);
    this.#timer.unref();
  }

  /** Nobody waits for what is made ahead: without a descriptor to look at it, it is looked at later. */
  #tryToAct(): void {
    try {
      this.#act();
    } catch (error) {
      this.#trouble = messageOf(error);
      this.#look(retryMs.first);
    }
  }

  #act(): void {
    this.#timer = null;
    if (this.#work !== null || this.#life.signal.aborted) return;
    const nowMs = performance.now();
    const plan = planStock({
      nowMs,
      lastStartMs: this.#lastStartMs,
      asked: this.#asked.map(({ shape, atMs, notBeforeMs }) => ({ key: shape.key, atMs, notBeforeMs })),
      ready: this.#ready.map(({ shape, warm }) => ({ key: shape.key, waits: warm.waits })),
      budget: this.#budget,
    });
    const surplus = this.#ready.filter((_, place) => plan.discard.includes(place));
    this.#ready = this.#ready.filter((_, place) => !plan.discard.includes(place));
    const next = this.#asked.find(({ shape }) => shape.key === plan.make);
    if (surplus.length === 0 && next === undefined) {
      if (plan.lookAtMs !== null) this.#look(plan.lookAtMs - nowMs);
      return;
    }
    this.#work = this.#do(surplus, next?.shape ?? null).then(
      () => this.#done(0),
      (error: unknown) => {
        this.#trouble = messageOf(error);
        this.#done(retryMs.first);
      },
    );
  }

  #done(nextMs: number): void {
    this.#work = null;
    this.#look(nextMs);
  }

  async #do(surplus: readonly Slot[], shape: SlotShape | null): Promise<void> {
    await Promise.all(surplus.map(discardSlot));
    if (shape === null || this.#life.signal.aborted) return;
    try {
      const slot = await makeSlot(shape, this.#parts, this.#life.signal);
      // Read after the wait: others may have been taken meanwhile.
      this.#ready = [...this.#ready, slot];
      this.#trouble = null;
      this.#note(shape, () => 0);
    } catch (error) {
      // Starts go the cold way, which tells what is wrong in its own words if something is.
      if (!this.#life.signal.aborted) this.#trouble = messageOf(error);
      this.#note(shape, (failures) => failures + 1);
    }
  }

  #note({ key }: SlotShape, count: (failures: number) => number): void {
    this.#asked = this.#asked.map((each) => {
      if (each.shape.key !== key) return each;
      const failures = count(each.failures);
      const waitMs = failures === 0 ? 0 : Math.min(retryMs.most, retryMs.first * 2 ** (failures - 1));
      return { ...each, failures, notBeforeMs: failures === 0 ? 0 : performance.now() + waitMs };
    });
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
