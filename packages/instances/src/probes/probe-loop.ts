import { formatDuration, type ProbeTiming } from "@constellation/contract";
import type { Clock } from "../driver/clock.ts";
import { countResult, noResults, type ProbeCount } from "./probe-count.ts";
import type { Prober } from "./prober.ts";
import type { ProbeResult } from "./probe-result.ts";

/** What a loop is for, and whom it tells. */
export interface ProbeLoopOptions {
  readonly timing: ProbeTiming;
  readonly prober: Prober;
  readonly clock: Clock;
  /** Time since the program's start, which counts against `initialDelayMs`. */
  readonly ranMs: number;
  /** So long after the program's start failures that change no verdict are not told: most programs take a moment. @default 0 */
  readonly patienceMs?: number;
  /** Called at the first result, when the verdict changes, and when a failure that holds the verdict back reads otherwise. */
  readonly onResult: (count: ProbeCount, result: ProbeResult) => void;
}

/**
 * Probes in a rhythm: one at a time, each bounded by its timeout, the next one `periodMs` after the start of the last, or at
 * once when it is known that there is something new.
 */
export class ProbeLoop {
  readonly #options: ProbeLoopOptions;
  #timing: ProbeTiming;
  /** When the last probe began; null before the first. */
  #begunAt: number | null = null;
  readonly #stop = new AbortController();
  #timer: { cancel(): void } | null = null;
  #count: ProbeCount = noResults;
  #said: string | null = null;
  /** When the program began. */
  readonly #ranFrom: number;
  /** Set while a probe is not over: one that cannot be ended is not joined by others. */
  #isUnder = false;
  /** What waits for its end. */
  #begin: (() => void) | null = null;

  constructor(options: ProbeLoopOptions) {
    this.#options = options;
    this.#timing = options.timing;
    this.#ranFrom = options.clock.nowMs() - options.ranMs;
    this.#schedule(options.timing.initialDelayMs - options.ranMs);
    options.prober.listen?.(() => this.#hurry());
  }

  /** Goes on in another rhythm and with another patience; what was counted stays. */
  retime(timing: ProbeTiming): void {
    const waits = this.#timer !== null;
    this.#timing = timing;
    if (!waits) return;
    this.#timer?.cancel();
    const passedMs = this.#options.clock.nowMs() - (this.#begunAt ?? this.#ranFrom);
    this.#schedule((this.#begunAt === null ? timing.initialDelayMs : timing.periodMs) - passedMs);
  }

  close(): void {
    this.#stop.abort();
    this.#timer?.cancel();
    this.#options.prober.close();
  }

  /** Before the first probe its delay is waited out: that one finds the news. */
  #hurry(): void {
    if (this.#timer === null || this.#begunAt === null || this.#stop.signal.aborted) return;
    this.#timer.cancel();
    this.#schedule(0);
  }

  #schedule(delayMs: number): void {
    this.#timer = this.#options.clock.after(Math.max(0, delayMs), () => void this.#round());
  }

  async #round(): Promise<void> {
    this.#timer = null;
    const { clock } = this.#options;
    const begun = clock.nowMs();
    this.#begunAt = begun;
    const result = await this.#bounded();
    if (this.#stop.signal.aborted) return;
    const before = this.#count;
    this.#count = countResult(before, this.#timing, result.ok);
    const tellsFrom = this.#ranFrom + (this.#options.patienceMs ?? 0);
    const isNew = this.#count.verdict !== "up" && this.#said !== result.detail && clock.nowMs() >= tellsFrom;
    if (before.verdict !== this.#count.verdict || isNew) {
      this.#said = result.detail;
      this.#options.onResult(this.#count, result);
    }
    // The listener may have closed us.
    if (!this.#stop.signal.aborted) this.#schedule(this.#timing.periodMs - (clock.nowMs() - begun));
  }

  /**
   * One probe; it has failed when it takes longer than its timeout, whatever it still does. The next one begins when that is
   * over: commands in an instance that somebody froze end when it thaws, and would become more and more.
   */
  #bounded(): Promise<ProbeResult> {
    const { clock } = this.#options;
    const timing = this.#timing;
    const limit = new AbortController();
    const late: ProbeResult = {
      ok: false,
      detail: this.#isUnder
        ? "the probe before it has not ended"
        : `no answer within ${formatDuration(timing.timeoutMs)}`,
    };
    return new Promise((resolve) => {
      const end = (result: ProbeResult): void => {
        timer.cancel();
        this.#stop.signal.removeEventListener("abort", cut);
        resolve(result);
      };
      const cut = (): void => {
        limit.abort();
        end(late);
      };
      const timer = clock.after(timing.timeoutMs, cut);
      this.#stop.signal.addEventListener("abort", cut, { once: true });
      const begin = (): void => void (limit.signal.aborted || this.#probe(limit.signal, end));
      if (this.#isUnder) this.#begin = begin;
      else begin();
    });
  }

  #probe(signal: AbortSignal, end: (result: ProbeResult) => void): void {
    this.#isUnder = true;
    const over = (result: ProbeResult): void => {
      this.#isUnder = false;
      end(result);
      const begin = this.#begin;
      this.#begin = null;
      begin?.();
    };
    void this.#options.prober.probe(signal).then(over);
  }
}
