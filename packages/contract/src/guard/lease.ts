import * as z from "zod";

const processIdentitySchema = z.object({ pid: z.int().min(2), startTicks: z.number() });

/** Where a control group is, as `host` writes it. */
const groupSchema = z.discriminatedUnion("version", [
  z.object({ version: z.literal(1), name: z.string(), directories: z.record(z.string(), z.string()) }),
  z.object({ version: z.literal(2), name: z.string(), directory: z.string() }),
]);

/** How the daemon starts the run again when its own process is gone. */
const launchSchema = z.object({
  program: z.string(),
  args: z.array(z.string()),
  cwd: z.string(),
  environment: z.record(z.string(), z.string()),
});

/** A run introduces itself; its lease lasts as long as the connection. */
export const leaseRequestSchema = z.object({
  kind: z.literal("lease"),
  /** Stays the same when the run is started again. */
  id: z.uuid(),
  guard: processIdentitySchema,
  root: z.string(),
  stateDirectory: z.string(),
  /** Unix milliseconds of the first start: youngest goes first, oldest comes back first. */
  sinceMs: z.number(),
  phase: z.enum(["waiting", "running", "parked"]),
  /** The most memory it had before; null when nobody knows. */
  expectedBytes: z.number().nonnegative().nullable(),
  /** How many ports it wants to itself. */
  ports: z.int().min(0).max(100),
  /** Null: it is not to be started again. */
  launch: launchSchema.nullable(),
});

/** What a run, or somebody who looks, says to the daemon. */
export const leaseCallSchema = z.discriminatedUnion("kind", [
  leaseRequestSchema,
  /** The file that was named is open now. */
  z.object({ kind: z.literal("proven") }),
  /** An attempt begins: its marker, and the group that holds it. */
  z.object({ kind: z.literal("started"), run: z.string(), group: groupSchema.nullable() }),
  z.object({
    kind: z.literal("report"),
    treeBytes: z.number().nonnegative(),
    level: z.enum(["run", "shed", "drain", "kill"]),
  }),
  /** It was stopped for the machine's sake, and waits to be called back. */
  z.object({ kind: z.literal("parked") }),
  /** It is over: nothing is left. */
  z.object({ kind: z.literal("ended") }),
  /** Answered with `runs`, then the connection is closed. */
  z.object({ kind: z.literal("list") }),
]);

/** A run as the daemon sees it. */
export const leasedRunSchema = z.object({
  id: z.string(),
  root: z.string(),
  pid: z.int().nullable(),
  phase: z.enum(["waiting", "running", "parked"]),
  sinceMs: z.number(),
  treeBytes: z.number(),
  expectedBytes: z.number().nullable(),
  ports: z.array(z.int()),
  /** Why it waits, in words; empty when it runs. */
  reason: z.string(),
});

/** What the daemon says to a run. */
export const leaseAnswerSchema = z.discriminatedUnion("kind", [
  /** Open this file, so that the daemon sees which process it talks to. */
  z.object({ kind: z.literal("prove"), path: z.string() }),
  z.object({ kind: z.literal("waiting"), reason: z.string() }),
  /** Go on. `bounds`: bounds on memory that all runs of this daemon share. */
  z.object({ kind: z.literal("admitted"), ports: z.array(z.int()), bounds: z.array(z.string()) }),
  /** Whether this run is the one that yields when a shared bound gets tight. */
  z.object({ kind: z.literal("yields"), yields: z.boolean() }),
  z.object({ kind: z.literal("resume") }),
  z.object({ kind: z.literal("refused"), reason: z.string() }),
  z.object({ kind: z.literal("runs"), runs: z.array(leasedRunSchema) }),
]);

export type LeaseRequest = z.output<typeof leaseRequestSchema>;
export type LeaseCall = z.output<typeof leaseCallSchema>;
export type LeaseAnswer = z.output<typeof leaseAnswerSchema>;
export type LeasedRun = z.output<typeof leasedRunSchema>;
