import type { Sample } from "@constellation/sdk";

/** A sample with the rates since the one before; `null` where the machine does not count, or before a second sample. */
export interface Measured {
  readonly sample: Sample;
  readonly diskReadPerSecond: number | null;
  readonly diskWrittenPerSecond: number | null;
  readonly networkReceivedPerSecond: number | null;
  readonly networkSentPerSecond: number | null;
}

/** Rates between two samples of one instance. After a restart its counters begin again: then there are none. */
export function measured(sample: Sample, before: Measured | undefined): Measured {
  const rate = (counter: (one: Sample) => number | null): number | null => {
    const [now, then] = [counter(sample), before === undefined ? null : counter(before.sample)];
    const seconds = (sample.at - (before?.sample.at ?? sample.at)) / 1000;
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
