import type { Event, EventBody, EventsQuery } from "@constellation/contract";

/** Events kept in memory, so that who follows finds them; up to twice as many until they are trimmed. */
const keptEvents = 1000;
const recentAtMost = keptEvents * 2;
/** Events of the past that a reader can get; older ones stay in the archive. */
const readableEvents = 10_000;
/** Events that may wait to be archived; more are dropped and counted. */
const waitingEvents = 50_000;
/** Events gathered into one write of the archive. */
const batchEvents = 500;

/** Events wait so long for others to be archived with: what happens is told to everybody else first. */
const gatherMs = 10;

/** That something has begun waits so long for what comes of it: most starts take less, and readers wake up once. */
const beginningMs = 5;

/** Where events are kept for longer than a daemon lives. */
export interface EventArchive {
  /** The newest ones, of one app or of all, oldest first. */
  last(count: number, app?: string): Promise<readonly Event[]>;
  append(events: readonly Event[]): Promise<void>;
}

/**
 * Everything that happens, numbered in one order: the newest in memory, all in the archive, which is written behind
 * everybody's back and asked when a reader wants more than memory has.
 */
export class EventLog {
  readonly #archive: EventArchive;
  readonly #nowMs: () => number;
  readonly #report: (text: string, error: unknown) => void;
  readonly #events: Event[] = [];
  readonly #waiting: Event[] = [];
  readonly #wakers = new Set<() => void>();
  #seq: number;
  #writing: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #dropped = 0;
  #isWaking = false;
  #wakingSoon: NodeJS.Timeout | null = null;

  constructor({ archive, newest, nowMs, report }: EventLogParts) {
    this.#archive = archive;
    this.#nowMs = nowMs;
    this.#report = report;
    // Events of a daemon that died before they were archived had numbers too: skip more than could wait.
    this.#seq = newest === undefined ? 0 : newest.seq + waitingEvents;
  }

  /** Events that were lost to the archive because it did not keep up. */
  get dropped(): number {
    return this.#dropped;
  }

  append(body: EventBody): Event {
    this.#seq += 1;
    const event: Event = { ...body, seq: this.#seq, at: this.#nowMs() };
    this.#events.push(event);
    // Trimmed in blocks: moving the whole list for each event would cost more than the list.
    if (this.#events.length >= recentAtMost) this.#events.splice(0, this.#events.length - keptEvents);
    this.#keep(event);
    if (this.#wakers.size > 0) this.#tell(event);
    return event;
  }

  /** Events in order; goes on with those to come when asked to `follow`, until the signal aborts. A slow reader skips what no reader can get any more. */
  async *read({ app, after, tail, follow }: EventsQuery, signal: AbortSignal): AsyncGenerator<Event, void, undefined> {
    // What happens while the archive is asked belongs to the future.
    const now = this.#seq;
    const past = await this.#past(after ?? 0, tail, app);
    for (const event of past) {
      if (signal.aborted) return;
      if (event.seq <= now) yield event;
    }
    if (follow !== true) return;
    let seen = now;
    let wake = (): void => undefined;
    // Once for the whole read: to listen and to forget again at each event would cost more than the event.
    const abort = (): void => wake();
    signal.addEventListener("abort", abort, { once: true });
    try {
      while (!signal.aborted) {
        const newest = this.#seq;
        const isBehind = (this.#events[0]?.seq ?? Infinity) > seen + 1;
        const fresh = isBehind
          ? await this.#past(seen, undefined, app)
          : this.#events.slice(firstAfter(this.#events, seen));
        for (const event of fresh) {
          if (event.seq <= newest && isOf(event, app)) yield event;
          if (signal.aborted) return;
        }
        seen = newest;
        if (seen === this.#seq) await new Promise<void>((resolve) => this.#wakers.add((wake = resolve)));
      }
    } finally {
      this.#wakers.delete(wake);
      signal.removeEventListener("abort", abort);
    }
  }

  /** Readers are woken when whatever runs now has come to its end: what it does is more urgent than to tell of it. */
  #tell(event: Event): void {
    if (this.#isWaking) return;
    if (isBeginning(event)) {
      this.#wakingSoon ??= setTimeout(this.#wake, beginningMs);
      return;
    }
    this.#isWaking = true;
    process.nextTick(this.#wake);
  }

  /** Resolves when readers have been told of all that has begun, which is now when none of it is being held back. */
  told(): Promise<void> {
    if (this.#wakingSoon === null) return Promise.resolve();
    return new Promise((resolve) => this.#wakers.add(() => setImmediate(resolve)));
  }

  readonly #wake = (): void => {
    this.#isWaking = false;
    if (this.#wakingSoon !== null) clearTimeout(this.#wakingSoon);
    this.#wakingSoon = null;
    for (const wake of this.#wakers) wake();
    this.#wakers.clear();
  };

  /** Writes everything that waits for the archive. */
  async flush(): Promise<void> {
    while (this.#waiting.length > 0 || this.#writing !== null) await (this.#writing ?? this.#write());
  }

  async #past(after: number, tail: number | undefined, app: string | undefined): Promise<Event[]> {
    if (tail === 0) return [];
    const chosen = (events: readonly Event[]): Event[] => {
      const matching = events.slice(firstAfter(events, after)).filter((event) => isOf(event, app));
      return tail === undefined ? matching : matching.slice(-tail);
    };
    const recent = [...this.#events];
    const found = chosen(recent);
    const first = recent[0]?.seq ?? Infinity;
    if (first <= after + 1 || found.length === tail) return found;
    return chosen([...(await this.#earlier(first, tail ?? readableEvents, app)), ...recent]);
  }

  /** Events before one that memory still has. */
  async #earlier(before: number, count: number, app: string | undefined): Promise<Event[]> {
    try {
      await this.#writing;
      const waiting = [...this.#waiting];
      const archived = await this.#archive.last(Math.min(count + recentAtMost, readableEvents), app);
      const last = archived.at(-1)?.seq ?? 0;
      return [...archived, ...waiting.filter(({ seq }) => seq > last)].filter(({ seq }) => seq < before);
    } catch (error) {
      this.#report("earlier events could not be read", error);
      return [];
    }
  }

  #keep(event: Event): void {
    if (this.#waiting.length >= waitingEvents) {
      this.#dropped += 1;
      return;
    }
    this.#waiting.push(event);
    this.#timer ??= setTimeout(() => void (this.#writing ?? this.#write()), gatherMs);
  }

  async #write(): Promise<void> {
    if (this.#waiting.length === 0) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#writing = this.#writeBatch(this.#waiting.splice(0, batchEvents));
    await this.#writing;
    this.#writing = null;
    if (this.#waiting.length > 0) setImmediate(() => void (this.#writing ?? this.#write()));
  }

  async #writeBatch(batch: readonly Event[]): Promise<void> {
    try {
      await this.#archive.append(batch);
    } catch (error) {
      this.#dropped += batch.length;
      this.#report("events could not be archived", error);
    }
  }
}

/** What an event log works with. */
export interface EventLogParts {
  readonly archive: EventArchive;
  /** The last event that the archive has. */
  readonly newest: Event | undefined;
  readonly nowMs: () => number;
  readonly report: (text: string, error: unknown) => void;
}

const isOf = (event: Event, app: string | undefined): boolean =>
  app === undefined || ("app" in event && event.app === app);

const isBeginning = (event: Event): boolean =>
  event.type === "app.applied" || (event.type === "instance.changed" && event.state.status === "starting");

/** Index of the first event with a greater number; numbers grow, so halving finds it. */
function firstAfter(events: readonly Event[], seq: number): number {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((events[middle]?.seq ?? Infinity) > seq) high = middle;
    else low = middle + 1;
  }
  return low;
}
