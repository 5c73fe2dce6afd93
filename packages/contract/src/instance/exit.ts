import * as z from "zod";

/** How and why an instance ended. */
export const exitSchema = z.object({
  /**
   * `completed` code 0 · `error` another code · `signal` ended by a signal from elsewhere · `oom` the kernel ended it at its
   * memory limit · `stopped` by request · `killed` by request, after the grace · `unhealthy` by its liveness or startup probe ·
   * `start-failed` its program never ran · `lost` it vanished without a record.
   */
  kind: z.enum(["completed", "error", "signal", "oom", "stopped", "killed", "unhealthy", "start-failed", "lost"]),
  code: z.int().nullable(),
  signal: z.string().nullable(),
  /** The reason in words, for people. */
  reason: z.string(),
  /** Highest memory use seen by the kernel, when it counts that. */
  peakMemoryBytes: z.number().nullable(),
  /** Unix time in milliseconds. */
  at: z.number(),
});
