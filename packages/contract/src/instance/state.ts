import * as z from "zod";
import type { InstanceState } from "../api/results.ts";
import { exitSchema } from "./exit.ts";

const at = z.number();
const pid = z.int();

/** Where an instance is in its life; each state carries only what belongs to it. Times are Unix milliseconds. */
export const instanceStateSchema = z.discriminatedUnion("status", [
  z.object({ status: z.literal("waiting"), since: at, for: z.string() }),
  z.object({ status: z.literal("starting"), since: at }),
  z.object({
    status: z.literal("running"),
    since: at,
    pid,
    /** Ready to be used; without a readiness probe true as soon as it runs. */
    ready: z.boolean(),
    /** Why it is not ready yet, in words. */
    notReady: z.string().nullable(),
  }),
  z.object({ status: z.literal("stopping"), since: at, pid: pid.nullable(), killAt: at }),
  z.object({ status: z.literal("backoff"), since: at, until: at, last: exitSchema }),
  z.object({ status: z.literal("stopped"), since: at, last: exitSchema.nullable() }),
  z.object({ status: z.literal("completed"), since: at, last: exitSchema }),
  z.object({ status: z.literal("failed"), since: at, last: exitSchema.nullable(), reason: z.string() }),
]);

/** Name of a state. */
export type InstanceStatus = InstanceState["status"];
