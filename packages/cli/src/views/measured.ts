import type { Sample } from "@constellation/sdk";

/** A sample with the rates since the one before; `null` where the machine does not count, or before a second sample. */
export interface Measured {
  readonly sample: Sample;
  readonly diskReadPerSecond: number | null;
  readonly diskWrittenPerSecond: number | null;
  readonly networkReceivedPerSecond: number | null;
  readonly networkSentPerSecond: number | null;
}

/**
 * Rates between two samples of one instance; they stay as they are until the counters were read again. After a restart those
 * begin again: then there are none.
 */
export function measured(sample: Sample, before: Measured | undefined): Measured {
  const seconds = before === undefined ? 0 : (sample.countersAt - before.sample.countersAt) / 1000;
  if (before !== undefined && seconds === 0) return { ...before, sample };
  const rate = (counter: (one: Sample) => number | null): number | null => {
    const [now, then] = [counter(sample), before === undefined ? null : counter(before.sample)];
    return now === null || then === null || now < then || seconds <= 0 ? null : (now - then) / seconds;
  };
  return {
    sample,
    diskReadPerSecond: rate(({ diskReadBytes }) => diskReadBytes),
    diskWrittenPerSecond: rate(({ diskWrittenBytes }) => diskWrittenBytes),
    networkReceivedPerSecond: rate(({ networkReceivedBytes }) => networkReceivedBytes),
    networkSentPerSecond: rate(({ networkSentBytes }) => networkSentBytes),
  };
}
