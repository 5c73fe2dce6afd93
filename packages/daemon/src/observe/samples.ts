import type { Sample, SamplesQuery } from "@constellation/contract";
import { instanceName, type Reading } from "@constellation/instances";
import type { Observations, ObservedInstance } from "../agent/index.ts";

/** Rhythm where the caller names none. */
const defaultIntervalMs = 1000;
/** A single measurement looks twice so far apart, because a share of a core needs a span. */
const glanceMs = 200;
/** Several readers within this time share one reading. */
const shareMs = 40;

interface Measured {
  readonly at: number;
  readonly runId: string;
  readonly reading: Reading;
}

/** Measures instances; everybody who looks within the same moment shares one reading. */
export class Sampling {
  readonly #observations: Observations;
  readonly #nowMs: () => number;
  readonly #latest = new Map<string, Measured>();

  constructor(observations: Observations, nowMs: () => number) {
    this.#observations = observations;
    this.#nowMs = nowMs;
  }

  /** Rounds of measurements, each of all instances, in a rhythm until the signal aborts; one round when not asked to `follow`. */
  async *stream(
    { app, intervalMs, follow }: SamplesQuery,
    signal: AbortSignal,
  ): AsyncGenerator<readonly Sample[], void, undefined> {
    const before = new Map<string, Measured>();
    this.#round(app, before);
    if (follow !== true) {
      if (await slept(glanceMs, signal)) yield this.#round(app, before);
      return;
    }
    const periodMs = intervalMs ?? defaultIntervalMs;
    let due = this.#nowMs() + Math.min(periodMs, glanceMs);
    while (await slept(due - this.#nowMs(), signal)) {
      yield this.#round(app, before);
      // A reader slower than the rhythm loses rounds and does not catch up.
      due = Math.max(due + periodMs, this.#nowMs());
    }
  }

  #round(app: string | undefined, before: Map<string, Measured>): Sample[] {
    const samples: Sample[] = [];
    const living = new Set<string>();
    for (const instance of this.#observations.list(app)) {
      const name = instanceName(instance);
      const now = this.#measure(name, instance);
      if (now === null) continue;
      living.add(name);
      const known = before.get(name);
      const last = known?.runId === now.runId ? known : undefined;
      if (last === undefined || now.at > last.at) before.set(name, now);
      samples.push(toSample(name, instance, now, last));
    }
    for (const name of before.keys()) if (!living.has(name)) before.delete(name);
    if (app === undefined) for (const name of this.#latest.keys()) if (!living.has(name)) this.#latest.delete(name);
    return samples;
  }

  #measure(name: string, { run }: ObservedInstance): Measured | null {
    const latest = this.#latest.get(name);
    const at = this.#nowMs();
    const runId = run?.handle.facts.runId;
    if (latest !== undefined && latest.runId === runId && at - latest.at < shareMs) return latest;
    const reading = run?.handle.stats() ?? null;
    if (reading === null || runId === undefined) return null;
    const measured = { at, runId, reading };
    this.#latest.set(name, measured);
    return measured;
  }
}

function toSample(
  name: string,
  { app, restarts, run }: ObservedInstance,
  { at, reading }: Measured,
  last: Measured | undefined,
): Sample {
  const startedAt = run?.handle.facts.startedAt ?? at;
  // Without a measurement before, the share is that since the start.
  const sinceMs = at - (last?.at ?? startedAt);
  const usedUs = reading.cpuTimeUs - (last?.reading.cpuTimeUs ?? 0);
  // Field by field: a thousand of these are made each second, and spreading one into another costs more than reading it.
  return {
    app,
    instance: name,
    at,
    cpuTimeUs: reading.cpuTimeUs,
    cpuPercent: sinceMs > 0 ? Math.max(0, Math.round((usedUs / sinceMs) * 10) / 100) : 0,
    memoryBytes: reading.memoryBytes,
    memoryRssBytes: reading.memoryRssBytes,
    memoryPeakBytes: reading.memoryPeakBytes,
    memoryLimitBytes: reading.memoryLimitBytes,
    threads: reading.threads,
    processes: reading.processes,
    openFiles: reading.openFiles,
    diskReadBytes: reading.diskReadBytes,
    diskWrittenBytes: reading.diskWrittenBytes,
    networkReceivedBytes: reading.networkReceivedBytes,
    networkSentBytes: reading.networkSentBytes,
    restarts,
    uptimeMs: Math.max(0, at - startedAt),
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
