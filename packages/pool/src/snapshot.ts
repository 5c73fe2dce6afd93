import type { Fleet } from "./fleet.ts";
import type { Quantiles } from "./measure/histogram.ts";
import type { Metrics } from "./metrics.ts";
import type { Placement } from "./placement.ts";
import type { WorkerState } from "./worker/pool-worker.ts";

/** One worker as a snapshot shows it. */
export interface WorkerSnapshot {
  readonly worker: number;
  /** Process or thread id. */
  readonly id: number;
  readonly state: WorkerState["kind"];
  readonly inFlight: number;
  readonly tasksDone: number;
  /** Memory of its own when it got warm; with `recycle.memoryGrowthBytes` looked at once a second. */
  readonly memoryBytes: number;
  readonly ageMs: number;
}

/** The workers of one placement: what they are at, what was counted and measured. */
export interface FleetSnapshot {
  readonly placement: Placement;
  /** Why there are as many as there are; null before that is decided. */
  readonly sizeReason: string | null;
  readonly workers: readonly WorkerSnapshot[];
  readonly queuedTasks: number;
  readonly spares: {
    readonly idle: number;
    readonly opening: number;
    readonly leased: number;
    readonly min: number;
    readonly target: number;
    readonly waiting: number;
  };
  /** Share of the time of the present shared workers that tasks ran. */
  readonly utilization: number;
  readonly counts: Readonly<Metrics["counts"]>;
  readonly run: Quantiles;
  readonly wait: Quantiles;
  readonly assignment: Quantiles;
  readonly handOver: Quantiles;
  readonly tick: Quantiles;
}

/** Looks at a fleet; costs about as much as a hundred tasks. */
export function snapshotOf(fleet: Fleet): FleetSnapshot {
  const nowMs = performance.now();
  const { metrics, spares, shared } = fleet;
  const sharedWorkers = shared.workers;
  const busyUs = sharedWorkers.reduce((sum, worker) => sum + worker.busyUs, 0);
  const presentUs = sharedWorkers.reduce((sum, worker) => sum + (nowMs - worker.startedMs) * 1000, 0);
  return {
    placement: fleet.placement,
    sizeReason: fleet.size?.reason ?? null,
    workers: fleet.workers.map((worker) => ({
      worker: worker.number,
      id: worker.link.id,
      state: worker.state.kind,
      inFlight: worker.inFlight,
      tasksDone: worker.tasksDone,
      memoryBytes: worker.memoryBytes,
      ageMs: nowMs - worker.startedMs,
    })),
    queuedTasks: shared.queued,
    spares: {
      idle: spares.idle,
      opening: spares.count("opening"),
      leased: spares.count("leased"),
      min: spares.min,
      target: spares.target,
      waiting: spares.waiting,
    },
    utilization: presentUs === 0 ? 0 : Math.min(1, busyUs / presentUs),
    counts: { ...metrics.counts },
    run: metrics.run.quantiles(),
    wait: metrics.wait.quantiles(),
    assignment: metrics.assignment.quantiles(),
    handOver: metrics.handOver.quantiles(),
    tick: metrics.tick.quantiles(),
  };
}
