/** What waits, what was asked for, and when. Times in milliseconds of one monotonic clock. */
export interface StockSituation {
  readonly nowMs: number;
  /** The last start of any kind, begun or ended. */
  readonly lastStartMs: number;
  /** Shapes by their last use, the newest first. */
  readonly asked: readonly { readonly key: string; readonly atMs: number; readonly notBeforeMs: number }[];
  readonly ready: readonly { readonly key: string; readonly waits: boolean }[];
  readonly budget: StockBudget;
}

/** Bounds of what waits. */
export interface StockBudget {
  /** Slots of all shapes together. */
  readonly slots: number;
  /** Slots of one shape. */
  readonly ofOneShape: number;
  /** After a start the machine belongs to what was started, for so long. */
  readonly quietMs: number;
  /** What nobody asked for in this time is not kept. */
  readonly idleMs: number;
}

/** What to do about the stock now. */
export interface StockPlan {
  /** Slots to give up, by their place in `ready`. */
  readonly discard: readonly number[];
  /** The shape to make one of, now; one at a time. */
  readonly make: string | null;
  /** When to look again although nothing happens; null: never, nothing is due. */
  readonly lookAtMs: number | null;
}

/**
 * Decides what waits: of each shape asked for lately one before any gets a second, the newest first, never more than the
 * budget. Nothing is made until starts have been quiet, and nothing waits when there were none for long.
 */
export function planStock({ nowMs, lastStartMs, asked, ready, budget }: StockSituation): StockPlan {
  const wanted = asked.filter(({ atMs }) => nowMs < atMs + budget.idleMs);
  const open = Array.from({ length: budget.ofOneShape }, () => wanted)
    .flat()
    .slice(0, budget.slots);
  const discard: number[] = [];
  for (const [place, { key, waits }] of ready.entries()) {
    const at = waits ? open.findIndex((shape) => shape.key === key) : -1;
    if (at === -1) discard.push(place);
    else open.splice(at, 1);
  }
  const quietAtMs = lastStartMs + budget.quietMs;
  const dueAt = open.map(({ notBeforeMs }) => Math.max(notBeforeMs, quietAtMs));
  const next = open.find((_, at) => (dueAt[at] ?? 0) <= nowMs);
  const staleAt = ready.length > discard.length ? wanted.map(({ atMs }) => atMs + budget.idleMs) : [];
  const times = [...dueAt, ...staleAt].filter((at) => at > nowMs);
  return { discard, make: next?.key ?? null, lookAtMs: times.length === 0 ? null : Math.min(...times) };
}
