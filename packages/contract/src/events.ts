import * as z from "zod";
import { exitSchema } from "./instance/exit.ts";
import { instanceStateSchema } from "./instance/state.ts";
import type { Event } from "./api/results.ts";

const base = { /** Grows by at least one with every event of a daemon's state. */ seq: z.int(), at: z.number() };

/** Everything that happens, in one ordered stream. */
export const eventSchema = z.discriminatedUnion("type", [
  z.object({ ...base, type: z.literal("daemon.started"), version: z.string(), pid: z.int(), adopted: z.int() }),
  z.object({ ...base, type: z.literal("daemon.stopping") }),
  z.object({
    ...base,
    type: z.literal("app.applied"),
    app: z.string(),
    revision: z.int(),
    change: z.enum(["created", "updated", "scaled", "retried", "unchanged"]),
  }),
  z.object({ ...base, type: z.literal("app.healthy"), app: z.string(), revision: z.int() }),
  z.object({ ...base, type: z.literal("app.stopped"), app: z.string() }),
  z.object({ ...base, type: z.literal("app.removed"), app: z.string() }),
  z.object({
    ...base,
    type: z.literal("instance.changed"),
    app: z.string(),
    instance: z.string(),
    state: instanceStateSchema,
  }),
  /** One run of an instance is over; comes once for each, before the state that follows from it. */
  z.object({ ...base, type: z.literal("instance.ended"), app: z.string(), instance: z.string(), exit: exitSchema }),
  z.object({ ...base, type: z.literal("instance.removed"), app: z.string(), instance: z.string() }),
  z.object({
    ...base,
    type: z.literal("probe.changed"),
    app: z.string(),
    instance: z.string(),
    probe: z.enum(["startup", "readiness", "liveness"]),
    ok: z.boolean(),
    detail: z.string(),
  }),
  z.object({
    ...base,
    type: z.literal("limit.missing"),
    app: z.string(),
    instance: z.string(),
    limit: z.string(),
    detail: z.string(),
  }),
  /**
   * The kernel ended processes of an instance at its memory limit, and the instance runs on: a child of the program, say. Told
   * within ten seconds; when its program is ended so, `instance.ended` tells it at once.
   */
  z.object({
    ...base,
    type: z.literal("instance.oom"),
    app: z.string(),
    instance: z.string(),
    /** How many, since the event before. */
    processes: z.int(),
    /** `null`: without a limit of its own it was the machine that ran out. */
    memoryLimitBytes: z.number().nullable(),
  }),
]);

/** An event before the log has given it its number and time. */
export type EventBody = Event extends infer E ? (E extends Event ? Omit<E, "seq" | "at"> : never) : never;
