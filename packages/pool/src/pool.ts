import { PoolError } from "./failure.ts";
import { Fleet } from "./fleet.ts";
import { runTicks, type TickReport } from "./latency/ticker.ts";
import type { Lease } from "./lease.ts";
import type { LeaseOptions } from "./lease-options.ts";
import { planPool, type PoolOptions } from "./options.ts";
import { placeByTraits, placeModule, type Placement, type PoolModule } from "./placement.ts";
import type { RunOptions } from "./run-options.ts";
import { snapshotOf, type FleetSnapshot } from "./snapshot.ts";
import type { TaskContext } from "./entry/task-context.ts";

/** Functions by task name, as a module exports them: `typeof import("./tasks.js")`. */
export type Tasks = Readonly<Record<string, unknown>>;

/** What a task takes. */
export type TaskData<T> = T extends (data: infer Data, context: TaskContext) => unknown ? Data : unknown;

/** What a task gives. */
export type TaskResult<T> = T extends (...args: never[]) => infer Result ? Awaited<Result> : unknown;

/** Names of the tasks that can do without data. */
export type TasksWithoutData<T> = {
  [Name in keyof T & string]: undefined extends TaskData<T[Name]> ? Name : never;
}[keyof T & string];

/**
 * Makes a pool of warm workers. It keeps the program alive until it is closed, unless all is inline.
 * Give it the type of its module, and `run` is checked: `createPool<typeof import("./tasks.js")>({ … })`.
 *
 * @throws PoolError options-invalid, placement-refused
 * @example
 * const pool = createPool({ module: new URL("./tasks.js", import.meta.url), placement: "thread" });
 * const sum = await pool.run("sum", [1, 2, 3], { timeoutMs: 100 });
 * await pool.close();
 */
export function createPool<T extends Tasks = Readonly<Record<string, unknown>>>(options: PoolOptions): Pool<T> {
  return new Pool<T>(options);
}

/** Warm workers in threads, processes or the caller's own thread; see `createPool`. */
export class Pool<T extends Tasks = Readonly<Record<string, unknown>>> {
  readonly #fleets = new Map<Placement, Fleet>();
  readonly #fleetOfModule = new Map<string, Fleet>();
  readonly #first: Fleet;
  /** The fleet of a pool of one module. */
  readonly #only: Fleet | null;

  constructor(options: PoolOptions) {
    const plan = planPool(options);
    const groups = new Map<Placement, Map<string, PoolModule>>();
    for (const [name, module] of plan.modules) {
      const placement = placeModule(module, name, options.placement ?? placeByTraits);
      const group = groups.get(placement) ?? new Map<string, PoolModule>();
      groups.set(placement, group.set(name, module));
    }
    for (const [placement, modules] of groups) {
      const fleet = new Fleet(placement, modules, plan);
      this.#fleets.set(placement, fleet);
      for (const name of modules.keys()) this.#fleetOfModule.set(name, fleet);
    }
    [this.#first] = [...this.#fleets.values()] as [Fleet];
    this.#only = plan.modules.has("") ? this.#first : null;
  }

  /**
   * Resolves when all workers of the beginning are warm. Rejects as soon as one fails to; the pool tries again, so it may be
   * asked again.
   * @throws PoolError warmup-failed, pool-closed
   */
  async ready(): Promise<void> {
    await Promise.all([...this.#fleets.values()].map((fleet) => fleet.readiness.when()));
  }

  /**
   * Runs a task on a shared worker. `data` is copied when it is sent: at the end of the turn, or when a worker is free. Leave it
   * as it is until the answer.
   * @throws PoolError options-invalid, queue-full, task-timeout, worker-crashed, worker-out-of-memory, warmup-failed, not-cloneable,
   * task-unknown, pool-closed; the reason of an aborted signal; what the task itself throws.
   */
  run<Name extends keyof T & string>(
    task: Name,
    data: TaskData<T[Name]>,
    options?: RunOptions,
  ): Promise<TaskResult<T[Name]>>;
  run<Name extends TasksWithoutData<T>>(task: Name): Promise<TaskResult<T[Name]>>;
  run(task: string, data?: unknown, options?: RunOptions): Promise<unknown> {
    const fleet = this.#only ?? this.#fleetOf(task);
    if (fleet instanceof PoolError) return Promise.reject(fleet);
    return fleet.shared.run(task, data, options);
  }

  /**
   * Takes a worker out of the pool, for exclusive use.
   * @throws PoolError options-invalid, no-spare, queue-full, queue-deadline, admission-refused, warmup-failed, pool-closed
   * @example
   * await using lease = await pool.lease({ whenGone: { queueMs: 50 } });
   * const reply = await lease.load(new URL("./reverb.js", import.meta.url), { sampleRate: 44_100 });
   */
  lease<In = unknown, Out = unknown>(options: LeaseOptions = {}): Promise<Lease<In, Out>> {
    const fleet = this.#fleetFor(options);
    if (fleet instanceof PoolError) return Promise.reject(fleet);
    return fleet.spares.lease(options) as Promise<Lease<In, Out>>;
  }

  /** Resolves when every queue is at most half full, or the pool is closed. @throws the reason of an aborted signal */
  async whenRoom({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    await Promise.all([...this.#fleets.values()].map((fleet) => fleet.shared.whenRoom(signal)));
  }

  /**
   * Calls `tick` on this thread every `latency.tickMs` until `signal` aborts; see `runTicks`. What it sees is in the
   * snapshots and events of the pool too.
   * @throws PoolError options-invalid when the pool has no `latency.tickMs`.
   */
  runTicks(tick: (index: number) => void, signal: AbortSignal): Promise<TickReport> {
    const fleet = this.#first;
    const { tickMs, onEvent } = fleet.plan;
    if (tickMs === null)
      return Promise.reject(new PoolError("options-invalid", "Cannot run ticks: this pool has no latency.tickMs"));
    const { metrics } = fleet;
    return runTicks(tickMs, tick, signal, {
      began: (lateMs) => metrics.tick.recordMs(lateMs),
      missed(count) {
        metrics.counts.ticksMissed += count;
        onEvent({ kind: "ticks-missed", count });
      },
    });
  }

  /** Everything that is known of the pool now, for each placement. */
  snapshot(): FleetSnapshot[] {
    return [...this.#fleets.values()].map(snapshotOf);
  }

  /**
   * Ends the pool: what waits is refused, what runs gets `graceMs`, 1000 when it is not said, then nothing is left. Called again
   * with less, it waits no longer than that.
   */
  async close({ graceMs }: { readonly graceMs?: number } = {}): Promise<void> {
    await Promise.all([...this.#fleets.values()].map((fleet) => fleet.close(graceMs)));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #fleetOf(task: string): Fleet | PoolError {
    const slash = task.indexOf("/");
    const fleet = this.#fleetOfModule.get(slash < 0 ? task : task.slice(0, slash));
    if (fleet !== undefined && slash >= 0) return fleet;
    const modules = [...this.#fleetOfModule.keys()].join(", ");
    return new PoolError("task-unknown", `Cannot run task "${task}": wanted "module/function" with one of ${modules}`);
  }

  #fleetFor(options: LeaseOptions): Fleet | PoolError {
    const { module, placement } = options;
    const [first, second] = this.#fleets.values();
    const fleet =
      module !== undefined
        ? this.#fleetOfModule.get(module)
        : placement !== undefined
          ? this.#fleets.get(placement)
          : second === undefined
            ? first
            : undefined;
    if (fleet !== undefined) return fleet;
    const wish = module ?? placement ?? "any";
    const placements = [...this.#fleets.keys()].join(", ");
    return new PoolError(
      "options-invalid",
      `Cannot lease a worker of "${wish}": this pool has the placements ${placements}; name one, or a module of it`,
    );
  }
}
