import { HostError } from "../failure.ts";
import type { Monitor, MonitorTarget, Sample, Watch } from "./monitor.ts";

/** How often and how costly all instances are sampled. */
export interface SamplerOptions {
  /** Time between two samples of one instance. @default 1000 */
  readonly periodMs?: number;
  /** Longest time one slice may hold the event loop; more instances make more, shorter slices. @default 2 */
  readonly sliceMs?: number;
  /** Share of one core that sampling may take; beyond it the period grows. 0.02 is 2 %. @default 0.02 */
  readonly cpuShare?: number;
  /** Takes each sample; the id is the one given to `add`. */
  readonly onSample: (id: string, sample: Sample) => void;
  /** The instance's main process has ended; it is no longer watched. */
  readonly onGone: (id: string) => void;
  /** A look that failed for another reason; the instance stays watched. */
  readonly onFailure?: (id: string, error: unknown) => void;
}

/** What the sampler does and costs. */
export interface SamplerState {
  readonly instances: number;
  /** The period in force, which is longer than the one asked for when the share would be passed. */
  readonly periodMs: number;
  readonly slicesPerPeriod: number;
  /** Moving average. */
  readonly usPerInstance: number;
  readonly samples: number;
  readonly failures: number;
  /** Samples not taken because the event loop was late by a whole period or more. */
  readonly skipped: number;
}

/** Samples all instances once a period, in slices that never hold the event loop for long. */
export class Sampler {
  readonly #monitor: Monitor;
  readonly #options: Required<Omit<SamplerOptions, "onFailure">> & Pick<SamplerOptions, "onFailure">;
  readonly #watches = new Map<string, Watch>();
  #queue: string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #periodEndsAtMs = Number.NEGATIVE_INFINITY;
  #usPerInstance = 15;
  #samples = 0;
  #failures = 0;
  #skipped = 0;

  constructor(monitor: Monitor, options: SamplerOptions) {
    this.#monitor = monitor;
    this.#options = { periodMs: 1000, sliceMs: 2, cpuShare: 0.02, ...options };
  }

  /** Watches one more instance, from the next period on. @throws HostError process-gone */
  add(id: string, target: MonitorTarget): void {
    this.remove(id);
    const watch = this.#monitor.watch(target);
    // The first look opens files and gives CPU use its base; it would spoil the average that the period goes by.
    if (watch.sample() === undefined) {
      watch.close();
      throw new HostError("process-gone", `Cannot sample ${id}: pid ${target.process.pid} has ended`);
    }
    this.#watches.set(id, watch);
    this.#timer ??= setTimeout(() => this.#beginPeriod(), 0).unref();
  }

  /** Stops watching an instance; an id that is not watched is no failure. */
  remove(id: string): void {
    this.#watches.get(id)?.close();
    this.#watches.delete(id);
  }

  /** The watch of an instance, for a look out of turn. */
  watchOf(id: string): Watch | undefined {
    return this.#watches.get(id);
  }

  get state(): SamplerState {
    return {
      instances: this.#watches.size,
      periodMs: this.#periodMs(),
      slicesPerPeriod: this.#slices(),
      usPerInstance: this.#usPerInstance,
      samples: this.#samples,
      failures: this.#failures,
      skipped: this.#skipped,
    };
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const watch of this.#watches.values()) watch.close();
    this.#watches.clear();
    this.#queue = [];
  }

  #beginPeriod(): void {
    if (this.#watches.size === 0) {
      this.#timer = undefined;
      this.#periodEndsAtMs = Number.NEGATIVE_INFINITY;
      return;
    }
    this.#queue = [...this.#watches.keys()];
    // A period begins where the last one ended, so that late timers do not add up; after a long hold it begins now.
    const now = performance.now();
    const startsAtMs = now - this.#periodEndsAtMs < this.#periodMs() ? this.#periodEndsAtMs : now;
    this.#periodEndsAtMs = startsAtMs + this.#periodMs();
    this.#runSlice(Math.ceil(this.#queue.length / this.#slices()));
  }

  #runSlice(length: number): void {
    const startedAtMs = performance.now();
    const startedCpu = process.cpuUsage();
    const slice = this.#queue.splice(0, length);
    for (const id of slice) this.#look(id);
    const endedAtMs = performance.now();
    const { user, system } = process.cpuUsage(startedCpu);
    // The wall runs on while others have the core, and CPU time counts other threads: the smaller is nearer.
    const costUs = Math.min((endedAtMs - startedAtMs) * 1000, user + system);
    if (slice.length > 0) this.#usPerInstance += (costUs / slice.length - this.#usPerInstance) * 0.2;
    const leftMs = this.#periodEndsAtMs - endedAtMs;
    if (leftMs <= -this.#periodMs()) {
      // The loop was held elsewhere for a whole period: what is left of the round would only pile up.
      this.#skipped += this.#queue.length;
      this.#queue = [];
    }
    this.#timer =
      this.#queue.length === 0
        ? setTimeout(() => this.#beginPeriod(), Math.max(0, leftMs)).unref()
        : setTimeout(
            () => this.#runSlice(length),
            Math.max(0, leftMs) / (Math.ceil(this.#queue.length / length) + 1),
          ).unref();
  }

  #look(id: string): void {
    const watch = this.#watches.get(id);
    if (watch === undefined) return;
    let sample: Sample | undefined;
    try {
      sample = watch.sampleInTurn();
    } catch (error) {
      this.#failures++;
      this.#options.onFailure?.(id, error);
      return;
    }
    if (sample === undefined) {
      this.remove(id);
      this.#options.onGone(id);
      return;
    }
    this.#samples++;
    this.#options.onSample(id, sample);
  }

  #roundMs(): number {
    return (this.#watches.size * this.#usPerInstance) / 1000;
  }

  #periodMs(): number {
    return Math.max(this.#options.periodMs, this.#roundMs() / this.#options.cpuShare);
  }

  #slices(): number {
    return Math.max(1, Math.ceil(this.#roundMs() / this.#options.sliceMs));
  }
}
