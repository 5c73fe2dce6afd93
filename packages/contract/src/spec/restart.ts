import * as z from "zod";
import { parseDuration } from "../units/duration.ts";
import { human } from "./human.ts";

const duration = human(z.string(), parseDuration);

/** `restart` of an app, as the user writes it. */
export const restartSchema = z
  .union([
    z.enum(["always", "on-failure", "never"]),
    z.strictObject({
      policy: z.enum(["always", "on-failure", "never"]).optional(),
      backoff: z
        .strictObject({
          /** Delay before the second restart in a row; the first is immediate. @default "100ms" */
          initial: duration.optional(),
          /** @default "30s" */
          max: duration.optional(),
          /** @default 2 */
          factor: z.number().min(1).max(100).optional(),
          /** Part of the delay that is random, 0 to 1. @default 0.2 */
          jitter: z.number().min(0).max(1).optional(),
        })
        .optional(),
      /** Give up after this many restarts within `period`; without it an instance is restarted for ever. */
      intensity: z.number().int().min(0).optional(),
      /** @default "1m" */
      period: duration.optional(),
      /** Time an instance must run to count as stable and start again without delay. @default "30s" */
      resetAfter: duration.optional(),
    }),
  ])
  .transform((input): RestartPolicy => {
    const given = typeof input === "string" ? { policy: input } : input;
    const backoff = "backoff" in given ? given.backoff : undefined;
    return {
      policy: given.policy ?? "always",
      initialDelayMs: backoff?.initial ?? 100,
      maxDelayMs: backoff?.max ?? 30_000,
      factor: backoff?.factor ?? 2,
      jitter: backoff?.jitter ?? 0.2,
      intensity: ("intensity" in given ? given.intensity : undefined) ?? null,
      periodMs: ("period" in given ? given.period : undefined) ?? 60_000,
      resetAfterMs: ("resetAfter" in given ? given.resetAfter : undefined) ?? 30_000,
    };
  });

/** When and how fast an ended instance is started again. */
export interface RestartPolicy {
  readonly policy: "always" | "on-failure" | "never";
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
  readonly factor: number;
  readonly jitter: number;
  /** Restarts within `periodMs` after which the platform gives up; `null`: never. */
  readonly intensity: number | null;
  readonly periodMs: number;
  readonly resetAfterMs: number;
}

/** What applies when the spec says nothing about restarts. */
export const defaultRestart: RestartPolicy = {
  policy: "always",
  initialDelayMs: 100,
  maxDelayMs: 30_000,
  factor: 2,
  jitter: 0.2,
  intensity: null,
  periodMs: 60_000,
  resetAfterMs: 30_000,
};
