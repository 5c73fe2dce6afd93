/** Version of the daemon. */
export interface Version {
  version: string;
  /** Version of the API. */
  api: number;
  /** Version of Node that runs it. */
  node: string;
  pid: number;
  /** Unix milliseconds. */
  startedAt: number;
  stateDirectory: string;
}

/** What the machine offers. */
export interface NodeInfo {
  name: string;
  platform: string;
  cpus: number;
  memoryBytes: number;
  memoryAvailableBytes: number;
  features: Feature[];
}

/** Something that instances can use where the machine has it. */
export interface Feature {
  /** For example `limit.memory`, `namespace.pid`. */
  name: string;
  state: "available" | "partial" | "missing";
  /** What was found, in words. */
  detail: string;
  /** How to have it. */
  remedy: string | null;
}

/** What an apply does to one app. */
export interface Change {
  app: string;
  /**
   * `retried`: it is as it was wanted, and its instances that have failed are tried anew. `orphaned`: it came from the same
   * file before and is not in it any more; nothing is done to it unless the apply prunes, and then it is `removed`.
   */
  change: "created" | "updated" | "scaled" | "retried" | "unchanged" | "orphaned" | "removed";
  /** Number of the spec that it has now; each update counts one. */
  revision: number;
  /** Settings that differ from what runs, as `path: before -> after`. */
  differences: string[];
}

/** How an app is doing. */
export interface AppSummary {
  name: string;
  /** Number of its newest spec. */
  revision: number;
  /** Instances that are wanted. */
  wanted: number;
  /** Instances that run, of any revision. */
  running: number;
  /** Instances of the newest revision that are ready. */
  ready: number;
  status: "stopped" | "starting" | "healthy" | "degraded" | "failed" | "completed";
  /** In words, when something is not as wanted. */
  detail: string | null;
  /** Where its public ports are reached. */
  urls: string[];
  /** File of specs that it was applied from last, as its client names it; null when it came from none. */
  source: string | null;
  /** When what is wanted of it was changed last, in Unix milliseconds. */
  updatedAt: number;
}

/** One running (or ended) thing, as `ps` shows it. */
export interface Instance {
  /** App and number: `web.2`. Stays over restarts. */
  name: string;
  app: string;
  /** Its number in the app, from 1 on. */
  index: number;
  /** Revision of the spec that it runs. */
  revision: number;
  driver: string;
  state: InstanceState;
  /** How often it was started again. */
  restarts: number;
}

/** Everything known of one instance. */
export interface InstanceDetails extends Instance {
  /** Identity of this start; a restart has another. */
  runId: string | null;
  /** When its present or last run was begun, in Unix milliseconds: what its log holds from before is of others. Null: unknown, or before the first. */
  begunAt: number | null;
  /** How its program came to run: `warm` in a Node that waited, `slot` in namespaces made ahead, `cold` from nothing. */
  start: "warm" | "slot" | "cold" | null;
  measures: Measure[];
  processes: InstanceProcess[];
  /** What its program was given. */
  environment: Record<string, string>;
  ports: { name: string; url: string; mode: "shared" | "forwarded" | "own" }[];
  logFile: string | null;
  dataFolder: string | null;
  /** What happened to it, in words; `at` in Unix milliseconds. */
  history: { at: number; text: string }[];
}

/** A protection or limit of a running instance, as found and not as wished. */
export interface Measure {
  /** For example `namespace.pid`, `limit.memory`, `seccomp`. */
  name: string;
  state: "on" | "partial" | "off" | "missing";
  /** The value in force, or why it is missing. */
  detail: string;
}

/** A process inside an instance. */
export interface InstanceProcess {
  /** Its number on the machine. */
  pid: number;
  parent: number;
  command: string;
  /** One letter, as `ps` shows it. */
  state: string;
  memoryBytes: number;
}

/** How and why an instance ended. */
export interface Exit {
  /**
   * `completed` code 0 · `error` another code · `signal` ended by a signal from elsewhere · `oom` the kernel ended it at its
   * memory limit · `stopped` by request · `killed` by request, after the grace · `unhealthy` by its liveness or startup probe ·
   * `start-failed` its program never ran · `lost` it vanished without a record.
   */
  kind: "completed" | "error" | "signal" | "oom" | "stopped" | "killed" | "unhealthy" | "start-failed" | "lost";
  code: number | null;
  /** Like `SIGTERM`. */
  signal: string | null;
  /** The reason in words, for people. */
  reason: string;
  /** Highest memory use seen by the kernel, when it counts that. */
  peakMemoryBytes: number | null;
  /** Unix milliseconds. */
  at: number;
}

/** One measurement of one instance. Counters are since its start. `null`: this machine does not tell. */
export interface Sample {
  app: string;
  instance: string;
  /** Unix milliseconds. */
  at: number;
  /** Processor time since its start, in microseconds. */
  cpuTimeUs: number;
  /** Share of one core since the sample before; 200 is two cores. */
  cpuPercent: number;
  /** What the kernel charges to it, its part of the page cache included; where it does not count that, what its processes have. */
  memoryBytes: number;
  /** What its processes have in memory; what they share counts for each. */
  memoryRssBytes: number | null;
  memoryPeakBytes: number | null;
  /** What is in force; null: none is, also where `bestEffort` asked for one. */
  memoryLimitBytes: number | null;
  /** Processes of the instance that the kernel ended at its memory limit. */
  oomKills: number | null;
  threads: number | null;
  processes: number | null;
  /** Of the main process. Before Linux 6.2 more than 4096 are not counted. */
  openFiles: number | null;
  /** Unix milliseconds at which those of disk and network were read: of very many each measurement reads a part. */
  countersAt: number;
  diskReadBytes: number | null;
  diskWrittenBytes: number | null;
  networkReceivedBytes: number | null;
  networkSentBytes: number | null;
  /** How often it was started again. */
  restarts: number;
  uptimeMs: number;
  /** Numbers that the instance pushed to the socket named in `CONSTELLATION_METRICS`. */
  custom: Record<string, number>;
}

/** One line that an instance wrote. */
export interface LogLine {
  app: string;
  instance: string;
  /** When it was written: RFC 3339 in UTC with nanoseconds, as text; grows with the lines of an instance. */
  time: string;
  stream: "stdout" | "stderr";
  /** Without its end of line. */
  text: string;
  /**
   * Stands for lines that were rotated away before they could be read: at least so many bytes, 0 where nobody knows how many.
   * Such a line has no text, and the time of the line before.
   */
  gapBytes?: number | undefined;
}

/** Where an instance is in its life; each state carries only what belongs to it. Times are Unix milliseconds. */
export type InstanceState =
  /** Something must be there before it, named in words. */
  | { status: "waiting"; since: number; for: string }
  | { status: "starting"; since: number }
  /** Ready to be used; without a readiness probe as soon as it runs. `notReady`: why it is not yet, in words. */
  | { status: "running"; since: number; pid: number; ready: boolean; notReady: string | null }
  /** It was asked to end; its whole tree is killed at `killAt`. */
  | { status: "stopping"; since: number; pid: number | null; killAt: number }
  /** It is started again at `until`. */
  | { status: "backoff"; since: number; until: number; last: Exit }
  | { status: "stopped"; since: number; last: Exit | null }
  | { status: "completed"; since: number; last: Exit }
  /** It was given up. */
  | { status: "failed"; since: number; last: Exit | null; reason: string };

/**
 * Everything that happens, in one ordered stream. `seq` grows by at least one with every event of a daemon's state; `at` is
 * Unix milliseconds.
 */
export type Event = { seq: number; at: number } & (
  | { type: "daemon.started"; version: string; pid: number; adopted: number }
  | { type: "daemon.stopping" }
  | {
      type: "app.applied";
      app: string;
      revision: number;
      change: "created" | "updated" | "scaled" | "retried" | "unchanged";
    }
  | { type: "app.healthy"; app: string; revision: number }
  | { type: "app.stopped"; app: string }
  | { type: "app.removed"; app: string }
  | { type: "instance.changed"; app: string; instance: string; state: InstanceState }
  /** One run of an instance is over; comes once for each, before the state that follows from it. */
  | { type: "instance.ended"; app: string; instance: string; exit: Exit }
  | { type: "instance.removed"; app: string; instance: string }
  | {
      type: "probe.changed";
      app: string;
      instance: string;
      probe: "startup" | "readiness" | "liveness";
      ok: boolean;
      detail: string;
    }
  | { type: "limit.missing"; app: string; instance: string; limit: string; detail: string }
  /**
   * The kernel ended so many processes (since the event before) of an instance at its memory limit, and the instance runs on:
   * a child of the program, say. Told within ten seconds; when its program is ended so, `instance.ended` tells it at once.
   * Without a limit of its own (null) it was the machine that ran out.
   */
  | { type: "instance.oom"; app: string; instance: string; processes: number; memoryLimitBytes: number | null }
);
