/** Something that waits in the wheel; it is its own list node, so that arming a timer allocates nothing more. */
export class WheelEntry {
  deadlineMs = 0;
  previous: WheelEntry | null = null;
  following: WheelEntry | null = null;

  /** Called once when the deadline has passed. */
  expire(): void {}
}

const slotsPerLevel = 64;
/** Widths 1 ms, 64 ms, 4 s, 4.4 min, 4.7 h, 12.4 days: the last level holds 2.2 years, longer waits go round again. */
const widthsMs = [1, 64, 64 ** 2, 64 ** 3, 64 ** 4, 64 ** 5];
const topLevel = widthsMs.length - 1;
const horizonMs = 64 ** 6 - 1;

/**
 * A hierarchical timing wheel (Varghese and Lauck 1987): arm and cancel in constant time, however many wait.
 * Entries never expire early and expire in the order of their deadlines, those of one millisecond in the order in
 * which they were armed.
 */
export class TimerWheel {
  size = 0;
  #nowTick: number;
  readonly #levels: WheelEntry[][] = widthsMs.map(() => Array.from({ length: slotsPerLevel }, listHead));

  constructor(nowMs: number) {
    this.#nowTick = Math.floor(nowMs);
  }

  /** Arms `entry`; it must not be armed already. */
  add(entry: WheelEntry, deadlineMs: number, nowMs: number): void {
    if (this.size === 0) this.#nowTick = Math.floor(nowMs);
    entry.deadlineMs = deadlineMs;
    this.size += 1;
    this.#place(entry);
  }

  /** Disarms `entry`; false when it was not armed. */
  remove(entry: WheelEntry): boolean {
    if (entry.previous === null) return false;
    unlink(entry);
    this.size -= 1;
    return true;
  }

  /** Expires everything whose deadline is at or before `nowMs`. */
  advance(nowMs: number): void {
    const target = Math.floor(nowMs);
    while (this.size > 0) {
      const next = this.#nextSlot();
      if (next === null || next.startTick > target) break;
      this.#nowTick = Math.max(this.#nowTick, next.startTick);
      if (next.level === 0) this.#expire(next.head);
      else this.#cascade(next.head);
    }
    this.#nowTick = Math.max(this.#nowTick, target);
  }

  /** When to call `advance` next: never after the earliest deadline, at times before it; `null` when nothing waits. */
  nextMs(): number | null {
    return this.size === 0 ? null : (this.#nextSlot()?.startTick ?? null);
  }

  #place(entry: WheelEntry): void {
    const now = this.#nowTick;
    const tick = Math.min(Math.max(Math.ceil(entry.deadlineMs), now), now + horizonMs);
    let level = 0;
    while (level < topLevel && floorTo(tick, widthsMs[level + 1]) !== floorTo(now, widthsMs[level + 1])) level += 1;
    const slot = Math.floor(tick / (widthsMs[level] as number)) % slotsPerLevel;
    append(this.#levels[level]?.[slot] as WheelEntry, entry);
  }

  #nextSlot(): { level: number; startTick: number; head: WheelEntry } | null {
    for (let level = 0; level <= topLevel; level += 1) {
      const width = widthsMs[level] as number;
      const first = Math.floor(this.#nowTick / width);
      // A level above 0 never holds the slot that now lies in, except the top one, whose waits may go round.
      for (let step = level === 0 ? 0 : 1; step <= slotsPerLevel; step += 1) {
        const head = this.#levels[level]?.[(first + step) % slotsPerLevel] as WheelEntry;
        if (head.following !== head) return { level, startTick: (first + step) * width, head };
      }
    }
    return null;
  }

  #expire(head: WheelEntry): void {
    // Entries armed while these expire can land in this very slot: they wait for the next round of the loop.
    const due = takeAll(head);
    for (const entry of due) {
      if (entry.previous === null) continue;
      unlink(entry);
      this.size -= 1;
      if (Math.ceil(entry.deadlineMs) > this.#nowTick) {
        this.size += 1;
        this.#place(entry);
      } else entry.expire();
    }
  }

  #cascade(head: WheelEntry): void {
    for (const entry of takeAll(head)) {
      unlink(entry);
      this.#place(entry);
    }
  }
}

function listHead(): WheelEntry {
  const head = new WheelEntry();
  head.previous = head;
  head.following = head;
  return head;
}

function append(head: WheelEntry, entry: WheelEntry): void {
  const last = head.previous as WheelEntry;
  entry.previous = last;
  entry.following = head;
  last.following = entry;
  head.previous = entry;
}

function unlink(entry: WheelEntry): void {
  (entry.previous as WheelEntry).following = entry.following;
  (entry.following as WheelEntry).previous = entry.previous;
  entry.previous = null;
  entry.following = null;
}

/** The entries of a list, still linked: one of them may be removed by another while they expire. */
function takeAll(head: WheelEntry): WheelEntry[] {
  const entries: WheelEntry[] = [];
  for (let entry = head.following as WheelEntry; entry !== head; entry = entry.following as WheelEntry)
    entries.push(entry);
  return entries;
}

function floorTo(tick: number, width: number | undefined): number {
  return Math.floor(tick / (width as number));
}
