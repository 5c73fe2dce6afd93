import { type AppSpec, type Exit, exitSchema } from "@constellation/contract";
import type { Wish } from "@constellation/core";
import type { RestartCount } from "@constellation/instances";
import * as z from "zod";

/** An app as wanted: how many instances of its newest revision, running or not. `removed`: its instances are on their way out. */
export interface AppRecord {
  readonly mode: "running" | "stopped" | "removed";
  /** Whether a removal takes the data folders and logs along. */
  readonly erase: boolean;
  readonly instances: number;
  readonly revision: number;
  /** File of specs that it came from last; null: from none, or from before files were noted. */
  readonly source: string | null;
  /** Unix milliseconds. */
  readonly updatedAt: number;
}

/** One revision of an app's program; kept while an allocation refers to it. */
export interface RevisionRecord {
  readonly spec: AppSpec;
  /** How often the user asked for fresh instances up to this revision. */
  readonly restarts: number;
}

/** "Instance 2 of app web, revision 7, belongs on node b": written by the scheduler, deleted by the node when nothing of it is left. */
export interface AllocationRecord {
  readonly node: string;
  readonly revision: number;
  readonly wish: Wish;
  /** How often the user had it tried anew after it had failed for good. */
  readonly tries: number;
  /** Only a new run will do for its revision: the present one could not take it over. */
  readonly replace?: true | undefined;
}

/**
 * What the node did for an allocation. `launched` is written before the launch, so that whoever comes next knows which run
 * to ask for; `ended` when the run's end was taken note of.
 */
export type RunRecord = RestartCount & {
  /** `tries` of the allocation for which it was launched. */
  readonly tries: number;
} & (
    | {
        readonly status: "launched";
        readonly runId: string;
        readonly revision: number;
        readonly since: number;
      }
    | {
        readonly status: "ended";
        readonly revision: number;
        readonly since: number;
        /** What follows from the end. */
        readonly outcome: "stopped" | "completed" | "failed" | "again";
        readonly last: Exit | null;
        /** Why it was given up. */
        readonly reason: string;
        /** When it is to be started again; null: at once, or not. */
        readonly until: number | null;
      }
  );

/** What is remembered of a machine. */
export interface NodeRecord {
  /** Identity of the kernel's boot in which the runs were started; in another one none of them lives. */
  readonly bootId: string;
}

/** The record behind each kind of key. */
export interface RecordOf {
  readonly app: AppRecord;
  readonly revision: RevisionRecord;
  readonly alloc: AllocationRecord;
  readonly run: RunRecord;
  readonly node: NodeRecord;
}

const whole = z.int().min(0);

// Records from before these were kept lack all but the first.
const restartCount = { restarts: whole, streak: whole.default(0), recentRestarts: z.array(z.number()).default([]) };
const tries = whole.default(0);

// A spec was parsed when it came in and is not taken apart again: what is stored is its normalised form.
const specSchema = z.custom<AppSpec>((value) => typeof value === "object" && value !== null && "name" in value);

const wishSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("wait"), for: z.string() }),
  z.object({ kind: z.literal("run") }),
  z.object({ kind: z.literal("stop") }),
  z.object({ kind: z.literal("remove") }),
]);

/** How each record is read back; a record of an older schema is brought up to date by `migrations` before. */
export const recordSchemas: { readonly [Kind in keyof RecordOf]: z.ZodType<RecordOf[Kind]> } = {
  app: z.object({
    mode: z.enum(["running", "stopped", "removed"]),
    erase: z.boolean(),
    instances: whole,
    revision: whole,
    source: z.string().nullable().default(null),
    updatedAt: z.number(),
  }),
  revision: z.object({ spec: specSchema, restarts: whole }),
  alloc: z.object({ node: z.string(), revision: whole, wish: wishSchema, tries, replace: z.literal(true).optional() }),
  run: z.discriminatedUnion("status", [
    z.object({
      status: z.literal("launched"),
      runId: z.string(),
      revision: whole,
      ...restartCount,
      tries,
      since: z.number(),
    }),
    z.object({
      status: z.literal("ended"),
      revision: whole,
      ...restartCount,
      tries,
      since: z.number(),
      outcome: z.enum(["stopped", "completed", "failed", "again"]),
      last: exitSchema.nullable(),
      reason: z.string(),
      until: z.number().nullable().default(null),
    }),
  ]),
  node: z.object({ bootId: z.string() }),
};
