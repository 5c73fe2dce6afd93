import { Histogram } from "./measure/histogram.ts";

/** What one fleet counts and measures. */
export class Metrics {
  /** Task functions, as measured in the worker. */
  readonly run = new Histogram();
  /** From `run` until the task is sent to a worker. */
  readonly wait = new Histogram();
  /** From `lease` until there is a worker. */
  readonly assignment = new Histogram();
  /** From `lease` until the first answer of the leased module. */
  readonly handOver = new Histogram();
  /** How late the ticks of `Pool.runTicks` began; told by the first placement of the pool. */
  readonly tick = new Histogram();
  readonly counts = {
    /** Answered by a worker, with a value or an error; also when nobody wanted the answer any more. */
    tasksDone: 0,
    /** Of these, answered with an error: what they threw, an unknown name, a result that cannot be copied. */
    tasksFailed: 0,
    /** Begun in a worker that ended, and failed with `worker-crashed` or `worker-out-of-memory`. */
    tasksLost: 0,
    /** Aborted or timed out, before or after they began. */
    tasksGivenUp: 0,
    /** Sent to a worker that died before it began them, and sent again. */
    tasksRequeued: 0,
    /** Taken back from a worker that got stuck, before it began them; counted as requeued too. */
    tasksStolen: 0,
    queueFull: 0,
    leasesFromSpare: 0,
    leasesQueued: 0,
    leasesCold: 0,
    leasesRejected: 0,
    leaseDeadlinesMissed: 0,
    admissionsRefused: 0,
    budgetMisses: 0,
    ticksMissed: 0,
    refills: 0,
    recycles: 0,
    crashes: 0,
    outOfMemory: 0,
    warmupFailures: 0,
  };
}
