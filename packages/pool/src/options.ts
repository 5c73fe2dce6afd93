import { join } from "node:path";
import { bystander } from "./bystander.ts";
import { ownCacheDirectory } from "./cache-directory.ts";
import type { PoolEvent } from "./events.ts";
import { PoolError } from "./failure.ts";
import { moduleUrl } from "./module-url.ts";
import type { PlacementPolicy, PoolModule, Traits } from "./placement.ts";
import type { ProcessSettings } from "./worker/process-link.ts";
import type { ThreadSettings } from "./worker/thread-link.ts";

/** What a lease does when no spare is left: wait, start a cold worker, or say no. */
export type WhenGone = { readonly queueMs: number } | "cold" | "reject";

/** Settings of a pool. */
export interface PoolOptions {
  /** The module whose exported functions are the tasks. Either this or `modules`. */
  readonly module?: URL | string;
  /** Traits of `module`. */
  readonly traits?: Traits;
  /** Several modules; a task is called `module/function`. Modules of one placement share workers. */
  readonly modules?: Readonly<Record<string, PoolModule>>;
  /** Where modules go that do not say. @default placeByTraits */
  readonly placement?: PlacementPolicy;
  /** Workers that share the tasks of `run`, for each placement. 0 for leases only. @default "auto": one per core, fewer when memory is short */
  readonly workers?: number | "auto";
  /**
   * Warm workers kept ready for `lease`. Below `min` a refill does not wait for quiet. More cost memory, fewer a queue
   * or a cold start in bursts. "auto" is twice the cores, fewer when memory is short. @default 0
   */
  readonly spares?: number | "auto" | { readonly min: number; readonly target: number };
  /** Most workers at a time, leased ones included, for each placement. @default 256 */
  readonly total?: number;
  /** Tasks that one worker runs at a time; more than 1 helps only tasks that wait. @default 1 */
  readonly concurrency?: number;
  /**
   * After a quick task that was alone, worker and caller keep their event loops turning for up to 0.2 ms, as the next one
   * is likely to come. True makes lone round trips several times shorter; false leaves the processor to others.
   * @default true, where there is more than one core
   */
  readonly staysAwake?: boolean;
  /** Imported first in every worker: URLs, paths, or package names as seen from `resolveFrom`. */
  readonly preload?: readonly (URL | string)[];
  /** File from which `preload` is resolved, as its `import` would, or its `require` when it is CommonJS. @default the program's main file */
  readonly resolveFrom?: URL | string;
  /** Exported function (named as in `run`) that is called once in every worker before it counts as warm. */
  readonly warmUp?: string;
  /** A worker that is not warm by then has failed. @default 30000 */
  readonly warmUpTimeoutMs?: number;
  /** V8's compile cache, on Node 22.1 and later: true for a directory of ours, or the directory. @default false */
  readonly compileCache?: boolean | string;
  readonly queue?: {
    /** Tasks that may wait; beyond it `run` rejects with `queue-full`. 0: none may wait. @default 65536 */
    readonly maxTasks?: number;
    /** One step of priority is worth this much waiting. Longer favours priority, shorter fairness. @default 1000 */
    readonly ageingMs?: number;
  };
  /** @default { queueMs: 5000 } */
  readonly whenGone?: WhenGone;
  readonly refill?: {
    /** A refill starts when no worker was handed over for so long. 0 refills at once and disturbs bursts. @default 50 */
    readonly delayMs?: number;
    /**
     * Niceness of a worker that is warming for a refill, 0 to 19, until somebody waits for it; without the right to take it back
     * it is left out. @default 19
     */
    readonly niceness?: number;
  };
  /** How long an aborted or timed out task may take to notice, before its worker is ended. @default 500 */
  readonly abortGraceMs?: number;
  /** When a worker is replaced although it is well. @default never */
  readonly recycle?: {
    /** A shared worker runs no more than so many; with 1 each task gets one of its own. */
    readonly tasks?: number;
    readonly ageMs?: number;
    /** Growth of its own memory since it was warm, looked at once a second. */
    readonly memoryGrowthBytes?: number;
  };
  readonly latency?: {
    /** From `lease` to the first answer of the leased module. Misses are counted. */
    readonly budgetMs?: number;
    /** Period of real-time leases; enables the real-time tier. */
    readonly tickMs?: number;
    /** Share of a tick that a core may be promised. @default 0.7 */
    readonly fill?: number;
  };
  readonly thread?: ThreadSettings;
  readonly process?: ProcessSettings;
  /** Told everything that happens to workers and leases. What it throws is an uncaught error, and disturbs nothing else. */
  readonly onEvent?: (event: PoolEvent) => void;
}

/** Checked settings with their defaults. */
export interface PoolPlan {
  readonly modules: ReadonlyMap<string, PoolModule>;
  readonly workers: number | "auto";
  readonly spares: { readonly min: number; readonly target: number } | "auto";
  readonly total: number;
  readonly concurrency: number;
  readonly staysAwake: boolean;
  readonly preload: readonly string[];
  readonly resolveFrom: string;
  readonly warmUp: string | null;
  readonly warmUpTimeoutMs: number;
  readonly compileCache: string | null;
  readonly maxTasks: number;
  readonly ageingMs: number;
  readonly whenGone: WhenGone;
  readonly refillDelayMs: number;
  readonly refillNiceness: number;
  readonly abortGraceMs: number;
  readonly recycle: { readonly tasks: number; readonly ageMs: number; readonly memoryGrowthBytes: number };
  readonly budgetMs: number | null;
  readonly tickMs: number | null;
  readonly fill: number;
  readonly thread: ThreadSettings;
  readonly process: ProcessSettings;
  readonly onEvent: (event: PoolEvent) => void;
}

/** Timers of Node cannot be longer: they would end at once. */
const longestTimerMs = 2 ** 31 - 1;

/** @throws PoolError options-invalid */
export function checkWhenGone(wish: WhenGone): WhenGone {
  if (wish === "cold" || wish === "reject") return wish;
  const { queueMs } = (wish ?? {}) as Partial<typeof wish>;
  if (typeof queueMs === "number" && queueMs >= 0 && queueMs <= longestTimerMs) return wish;
  throw new PoolError(
    "options-invalid",
    `Cannot wait for a worker: whenGone is ${JSON.stringify(wish)}, wanted "cold", "reject" or { queueMs } from 0 to 2^31 - 1`,
  );
}

/** A number of milliseconds as a timer takes it; none when undefined. @throws PoolError options-invalid */
export function checkTimeout(timeoutMs: number | undefined): number {
  if (timeoutMs === undefined || timeoutMs === Infinity) return Infinity;
  if (timeoutMs > 0 && timeoutMs <= longestTimerMs) return timeoutMs;
  throw new PoolError(
    "options-invalid",
    `Cannot run a task: timeoutMs is ${timeoutMs}, wanted a number above 0 and below 2^31; leave it out for none`,
  );
}

/** Fills in the defaults. @throws PoolError options-invalid naming the value that cannot be. */
export function planPool(options: PoolOptions): PoolPlan {
  const { queue = {}, refill = {}, recycle = {}, latency = {} } = options;
  const spares = options.spares ?? 0;
  const plan: PoolPlan = {
    modules: modulesOf(options),
    workers: options.workers === "auto" ? "auto" : whole("workers", options.workers, 0, "auto"),
    spares: spares === "auto" ? "auto" : sparesOf(spares),
    total: whole("total", options.total, 1, 256),
    concurrency: whole("concurrency", options.concurrency, 1, 1),
    staysAwake: options.staysAwake ?? true,
    preload: preloadOf(options.preload ?? []),
    resolveFrom: resolveBase(options.resolveFrom),
    warmUp: warmUpOf(options.warmUp),
    warmUpTimeoutMs: positive("warmUpTimeoutMs", options.warmUpTimeoutMs, 30_000),
    compileCache: compileCacheDirectory(options.compileCache ?? false),
    maxTasks: whole("queue.maxTasks", queue.maxTasks, 0, 65_536),
    ageingMs: positive("queue.ageingMs", queue.ageingMs, 1000),
    whenGone: checkWhenGone(options.whenGone ?? { queueMs: 5000 }),
    refillDelayMs: delay("refill.delayMs", refill.delayMs, 50),
    refillNiceness: whole("refill.niceness", refill.niceness, 0, 19),
    abortGraceMs: delay("abortGraceMs", options.abortGraceMs, 500),
    recycle: {
      tasks: whole("recycle.tasks", recycle.tasks, 1, Infinity),
      ageMs: positive("recycle.ageMs", recycle.ageMs, Infinity),
      memoryGrowthBytes: whole("recycle.memoryGrowthBytes", recycle.memoryGrowthBytes, 0, Infinity),
    },
    budgetMs: positive("latency.budgetMs", latency.budgetMs, null),
    tickMs: positive("latency.tickMs", latency.tickMs, null),
    fill: positive("latency.fill", latency.fill, 0.7),
    thread: options.thread ?? {},
    process: options.process ?? {},
    onEvent: bystander(options.onEvent ?? (() => undefined)),
  };
  const fixed = (plan.workers === "auto" ? 1 : plan.workers) + (plan.spares === "auto" ? 1 : plan.spares.target);
  if (fixed > plan.total) throw invalid("total", plan.total, `room for workers and spares, ${fixed} at least`);
  whole("process.heapLimitBytes", plan.process.heapLimitBytes, 2 ** 20, undefined);
  if (plan.fill > 1) throw invalid("latency.fill", plan.fill, "a share above 0 and at most 1");
  if (plan.refillNiceness > 19) throw invalid("refill.niceness", plan.refillNiceness, "a whole number from 0 to 19");
  return plan;
}

function modulesOf(options: PoolOptions): ReadonlyMap<string, PoolModule> {
  const { module, modules, traits } = options;
  if ((module === undefined) === (modules === undefined))
    throw new PoolError("options-invalid", "Cannot create a pool: wanted either `module` or `modules`");
  if (module !== undefined) return new Map([["", { url: urlOf(module), ...(traits === undefined ? {} : { traits }) }]]);
  const entries = Object.entries(modules ?? {}).map(([name, entry]) => {
    if (!/^[\w.-]+$/.test(name)) throw invalid("modules", name, "names of letters, digits, dot, dash and underscore");
    return [name, { ...entry, url: urlOf(entry.url) }] as const;
  });
  if (entries.length === 0) throw invalid("modules", "{}", "at least one module");
  return new Map(entries);
}

function urlOf(url: URL | string): string {
  const found = moduleUrl(url, "create a pool");
  if (found instanceof PoolError) throw found;
  return found;
}

function sparesOf(spares: number | { readonly min: number; readonly target: number }): PoolPlan["spares"] & object {
  if (typeof spares === "number") return { min: 0, target: whole("spares", spares, 0, 0) };
  if (typeof spares !== "object") throw invalid("spares", spares, 'a whole number, { min, target }, or "auto"');
  const { min, target } = spares;
  whole("spares.min", min, 0, 0);
  whole("spares.target", target, 0, 0);
  if (min > target) throw invalid("spares.min", min, `at most spares.target (${target})`);
  return { min, target };
}

function preloadOf(preload: readonly (URL | string)[]): readonly string[] {
  if (!Array.isArray(preload)) throw invalid("preload", preload, "a list of URLs, paths or package names");
  return preload.map(String);
}

function warmUpOf(warmUp: string | undefined): string | null {
  if (warmUp === undefined || typeof warmUp === "string") return warmUp ?? null;
  throw invalid("warmUp", String(warmUp), "the name of a function that a module exports: functions cannot be sent");
}

function resolveBase(from: URL | string | undefined): string {
  if (from !== undefined) {
    const text = String(from);
    if (!/^(?:file:|\/)/.test(text))
      throw invalid("resolveFrom", text, "an absolute path or URL, such as import.meta.url");
    return text;
  }
  // Fails for a program without a file, such as `node -e`: then its directory stands for it.
  return process.argv[1] === undefined ? join(process.cwd(), "main.js") : process.argv[1];
}

function compileCacheDirectory(wish: boolean | string): string | null {
  if (wish === false) return null;
  return wish === true ? ownCacheDirectory() : wish;
}

function whole<Other>(name: string, value: number | undefined, least: number, otherwise: Other): number | Other {
  if (value === undefined) return otherwise;
  if (!Number.isSafeInteger(value) || value < least) throw invalid(name, value, `a whole number of at least ${least}`);
  return value;
}

function delay(name: string, value: number | undefined, otherwise: number): number {
  const delayMs = whole(name, value, 0, otherwise);
  if (delayMs > longestTimerMs) throw invalid(name, delayMs, "a whole number below 2^31");
  return delayMs;
}

function positive<Other>(name: string, value: number | undefined, otherwise: Other): number | Other {
  if (value === undefined) return otherwise;
  if (!(value > 0) || value > longestTimerMs) throw invalid(name, value, "a number above 0 and below 2^31");
  return value;
}

function invalid(name: string, value: unknown, wanted: string): PoolError {
  return new PoolError(
    "options-invalid",
    `Cannot create a pool: ${name} is ${JSON.stringify(value)}, wanted ${wanted}`,
  );
}
