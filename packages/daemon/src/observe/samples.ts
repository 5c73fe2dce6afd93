import type { Sample, SamplesQuery } from "@constellation/contract";
import { setImmediate as nextTurn } from "node:timers/promises";
import { instanceName, type Look, type Reading, type RunHandle } from "@constellation/instances";
import type { Observations, ObservedInstance } from "../agent/index.ts";
import type { Following } from "./while-there.ts";

/** Rhythm where the caller names none. */
const defaultIntervalMs = 1000;
/** A single measurement looks twice so far apart, because a share of a core needs a span. */
const glanceMs = 200;
/** Several readers within this time share one reading. */
const shareMs = 40;
/** Up to so many looks a second read everything; when there are more, each reads a part, which takes a third of the time. */
const wholePerSecond = 200;
/** Longest time that a round holds up everything else; a thousand instances take ten times as long. */
const sliceMs = 2;

interface Measured {
  readonly at: number;
  readonly reading: Reading;
}

/** What was measured of each run. A run that was replaced, though its name stays, has none. */
type Measurements = ReadonlyMap<RunHandle, Measured>;

/** Measures instances; everybody who looks within the same moment shares one reading. */
export class Sampling {
  readonly #observations: Observations;
  readonly #nowMs: () => number;
  readonly #latest = new WeakMap<RunHandle, Measured>();

  constructor(observations: Observations, nowMs: () => number) {
    this.#observations = observations;
    this.#nowMs = nowMs;
  }

  /**
   * Rounds of measurements, each of all instances, in a rhythm until the signal aborts; one round when not asked to `follow`.
   *
   * @param begin told when the measuring begins; says how long it goes on
   */
  async *stream(query: SamplesQuery, begin: () => Following): AsyncGenerator<readonly Sample[], void, undefined> {
    const { signal, forget } = begin();
    try {
      yield* this.#rounds(query, signal);
    } finally {
      forget();
    }
  }

  async *#rounds(
    { app, intervalMs, follow }: SamplesQuery,
    signal: AbortSignal,
  ): AsyncGenerator<readonly Sample[], void, undefined> {
    const periodMs = intervalMs ?? defaultIntervalMs;
    let { measured } = await this.#round(app, periodMs, new Map());
    const round = async (): Promise<readonly Sample[]> => {
      const now = await this.#round(app, periodMs, measured);
      measured = now.measured;
      return now.samples;
    };
    if (follow !== true) {
      if (await slept(glanceMs, signal)) yield await round();
      return;
    }
    let due = this.#nowMs() + Math.min(periodMs, glanceMs);
    while (await slept(due - this.#nowMs(), signal)) {
      yield await round();
      // A reader slower than the rhythm loses rounds and does not catch up.
      due = Math.max(due + periodMs, this.#nowMs());
    }
  }

  /** Measures all instances, letting others have their turn in between, and compares with the round before. */
  async #round(
    app: string | undefined,
    periodMs: number,
    before: Measurements,
  ): Promise<{ samples: readonly Sample[]; measured: Measurements }> {
    const samples: Sample[] = [];
    const measured = new Map<RunHandle, Measured>();
    let sliceEndsAt = this.#nowMs() + sliceMs;
    const instances = this.#observations.list(app);
    const look = (instances.length * 1000) / periodMs <= wholePerSecond ? "whole" : "in-turn";
    for (const instance of instances) {
      if (instance.run === null) continue;
      const { handle } = instance.run;
      const now = this.#measure(handle, look);
      if (now === null) continue;
      const last = before.get(handle);
      measured.set(handle, last !== undefined && last.at >= now.at ? last : now);
      samples.push(toSample(instance, handle.facts.startedAt, now, last));
      if (now.at < sliceEndsAt) continue;
      await nextTurn();
      sliceEndsAt = this.#nowMs() + sliceMs;
    }
    return { samples, measured };
  }

  #measure(handle: RunHandle, look: Look): Measured | null {
    const latest = this.#latest.get(handle);
    const at = this.#nowMs();
    if (latest !== undefined && at - latest.at < shareMs) return latest;
    const reading = handle.stats(look);
    if (reading === null) return null;
    const measured = { at, reading };
    this.#latest.set(handle, measured);
    return measured;
  }
}

function toSample(
  instance: ObservedInstance,
  startedAt: number,
  { at, reading }: Measured,
  last: Measured | undefined,
): Sample {
  // Without a measurement before, the share is that since the start.
  const sinceMs = at - (last?.at ?? startedAt);
  const usedUs = reading.cpuTimeUs - (last?.reading.cpuTimeUs ?? 0);
  // Field by field: a thousand of these are made each second, and spreading one into another costs more than reading it.
  return {
    app: instance.app,
    instance: instanceName(instance),
    at: Math.round(at),
    cpuTimeUs: reading.cpuTimeUs,
    cpuPercent: sinceMs > 0 ? Math.max(0, Math.round((usedUs / sinceMs) * 10) / 100) : 0,
    memoryBytes: reading.memoryBytes,
    memoryRssBytes: reading.memoryRssBytes,
    memoryPeakBytes: reading.memoryPeakBytes,
    memoryLimitBytes: reading.memoryLimitBytes,
    oomKills: reading.oomKills,
    threads: reading.threads,
    processes: reading.processes,
    openFiles: reading.openFiles,
    countersAt: Math.round(performance.timeOrigin + reading.countersAtMs),
    diskReadBytes: reading.diskReadBytes,
    diskWrittenBytes: reading.diskWrittenBytes,
    networkReceivedBytes: reading.networkReceivedBytes,
    networkSentBytes: reading.networkSentBytes,
    restarts: instance.restarts,
    uptimeMs: Math.max(0, Math.round(at - startedAt)),
    custom: reading.custom,
  };
}

/** Waits; false when the signal aborts before. */
function slept(delayMs: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false);
    const abort = (): void => {
      clearTimeout(timer);
      resolve(false);
    };
    const timer = setTimeout(
      () => {
        signal.removeEventListener("abort", abort);
        resolve(true);
      },
      Math.max(0, delayMs),
    );
    signal.addEventListener("abort", abort, { once: true });
  });
}
