import * as z from "zod";

/** One measurement of one instance. Counters are since its start. `null`: this machine does not tell. */
export const sampleSchema = z.object({
  app: z.string(),
  instance: z.string(),
  /** Unix milliseconds. */
  at: z.number(),
  cpuTimeUs: z.number(),
  /** Share of one core since the sample before; 200 is two cores. */
  cpuPercent: z.number(),
  memoryBytes: z.number(),
  memoryRssBytes: z.number().nullable(),
  memoryPeakBytes: z.number().nullable(),
  /** What is in force; null: none is, also where `bestEffort` asked for one. */
  memoryLimitBytes: z.number().nullable(),
  /** Processes of the instance that the kernel ended at its memory limit. */
  oomKills: z.int().nullable(),
  threads: z.number().nullable(),
  processes: z.number().nullable(),
  openFiles: z.number().nullable(),
  /** Unix milliseconds at which those of disk and network were read: of very many each measurement reads a part. */
  countersAt: z.number(),
  diskReadBytes: z.number().nullable(),
  diskWrittenBytes: z.number().nullable(),
  networkReceivedBytes: z.number().nullable(),
  networkSentBytes: z.number().nullable(),
  restarts: z.int(),
  uptimeMs: z.number(),
  /** Numbers that the instance pushed to the socket named in `CONSTELLATION_METRICS`. */
  custom: z.record(z.string(), z.number()),
});
