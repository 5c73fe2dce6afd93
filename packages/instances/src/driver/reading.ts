/**
 * Whether everything is read now, or only some of what is slow to read, in turn: for many instances each second; or CPU time,
 * memory in use and OOM kills alone, for a record of long spans.
 */
export type Look = "whole" | "in-turn" | "usage";

/** What the machine counts for one run, since its start; `null`: this machine does not tell. The fields are those of `Sample`. */
export interface Reading {
  readonly cpuTimeUs: number;
  readonly memoryBytes: number;
  readonly memoryRssBytes: number | null;
  readonly memoryPeakBytes: number | null;
  readonly memoryLimitBytes: number | null;
  readonly oomKills: number | null;
  readonly threads: number | null;
  readonly processes: number | null;
  readonly openFiles: number | null;
  /** When those of disk and network were read: monotonic milliseconds of this process. */
  readonly countersAtMs: number;
  readonly diskReadBytes: number | null;
  readonly diskWrittenBytes: number | null;
  readonly networkReceivedBytes: number | null;
  readonly networkSentBytes: number | null;
  /** Numbers that the program pushed to its metrics socket. */
  readonly custom: Readonly<Record<string, number>>;
}

/** What is read of a run that has ended, or of which nothing is counted. */
export const emptyReading: Reading = {
  cpuTimeUs: 0,
  memoryBytes: 0,
  memoryRssBytes: null,
  memoryPeakBytes: null,
  memoryLimitBytes: null,
  oomKills: null,
  threads: null,
  processes: null,
  openFiles: null,
  countersAtMs: 0,
  diskReadBytes: null,
  diskWrittenBytes: null,
  networkReceivedBytes: null,
  networkSentBytes: null,
  custom: {},
};
