import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { effectiveCpus, readMemory, type EnvironmentMarker } from "@constellation/host";
import { ownCacheDirectory } from "./cache-directory.ts";
import { knownBundle } from "./entry/bundled-modules.ts";
import { PoolError } from "./failure.ts";
import type { Home } from "./home.ts";
import { Metrics } from "./metrics.ts";
import type { PoolPlan } from "./options.ts";
import type { Placement, PoolModule } from "./placement.ts";
import { canTakeNicenessBack } from "./privilege.ts";
import { Readiness } from "./readiness.ts";
import { sizePool, type Size } from "./sizing.ts";
import { SharedWorkers } from "./shared-workers.ts";
import { Spares } from "./spares.ts";
import { Supervision } from "./supervision.ts";
import { WarmupGate } from "./warmup-gate.ts";
import { order, type Boot } from "./wire/protocol.ts";
import { startInline } from "./worker/inline-link.ts";
import { Lifeline } from "./worker/lifeline.ts";
import { mostSent, type LinkEvents, type Link, type WorkerExit } from "./worker/link.ts";
import { PoolWorker, type WorkerOwner } from "./worker/pool-worker.ts";
import { startProcess } from "./worker/process-link.ts";
import { buildSnapshot } from "./worker/startup-snapshot.ts";
import { startThread } from "./worker/thread-link.ts";

const markerName = "CONSTELLATION_POOL_WORKER";
const lookEveryMs = 1000;
const defaultGraceMs = 1000;
const niceBesideRealTime = 10;

/** All workers of one placement: shared ones and spares, their supervision and their figures. */
export class Fleet implements Home {
  readonly placement: Placement;
  readonly plan: PoolPlan;
  readonly metrics = new Metrics();
  readonly gate = new WarmupGate();
  readonly supervision: Supervision;
  readonly shared: SharedWorkers;
  readonly spares: Spares;
  readonly cores = effectiveCpus().cores;
  readonly startedMs = performance.now();
  size: Size | null = null;
  isClosing = false;
  #closing: Promise<void> | null = null;
  #graceUntilMs = Infinity;
  readonly readiness = new Readiness(() => this.warmupFailure);
  readonly #modules: ReadonlyMap<string, PoolModule>;
  readonly #lifeline: Lifeline;
  /** With what the markers of its processes begin; no other fleet's do, also not in a container where pids repeat. */
  readonly #markerPrefix = `${process.pid}-${randomBytes(6).toString("hex")}-`;
  #lastSerial = 0;
  readonly #mayFork: boolean;
  #nices = canTakeNicenessBack();
  #realTime = 0;
  #healthTimer: NodeJS.Timeout | null = null;
  #snapshotBlob: string | null = null;
  readonly #preparing = new AbortController();
  prepared: Promise<void> = Promise.resolve();
  #firstWarm: ((worker: PoolWorker) => void) | null = null;

  constructor(placement: Placement, modules: ReadonlyMap<string, PoolModule>, plan: PoolPlan) {
    this.placement = placement;
    this.plan = plan;
    this.#modules = modules;
    this.#mayFork = [...modules.values()].some((module) => module.traits?.mayFork === true);
    this.#lifeline = new Lifeline({ name: markerName, value: this.#markerPrefix }, this.#mayFork);
    this.supervision = new Supervision(() => undefined, plan.abortGraceMs + 5000);
    this.shared = new SharedWorkers(this);
    this.spares = new Spares(this);
    void this.#open();
    if (plan.recycle.memoryGrowthBytes !== Infinity || plan.recycle.ageMs !== Infinity) {
      this.#healthTimer = setInterval(() => this.#lookAtAll(), lookEveryMs);
      this.#healthTimer.unref();
    }
  }

  /** The error of the last warm-up, wrapped, while none has succeeded since. */
  get warmupFailure(): PoolError | null {
    return this.gate.error instanceof PoolError ? this.gate.error : null;
  }

  get workers(): PoolWorker[] {
    return [...this.shared.workers, ...this.spares.workers];
  }

  /** Starts one worker for `owner`. */
  start(owner: WorkerOwner, niced: boolean): PoolWorker {
    // A program may give up its rights once it has begun.
    if (niced && this.#nices) this.#nices = canTakeNicenessBack();
    const niceness = niced && this.#nices && this.placement !== "inline" ? this.plan.refillNiceness : null;
    const boot: Boot = {
      modules: Object.fromEntries([...this.#modules].map(([name, module]) => [name, String(module.url)])),
      bundle: knownBundle(),
      preload: this.plan.preload,
      resolveFrom: this.plan.resolveFrom,
      warmUp: this.plan.warmUp,
      concurrency: this.plan.concurrency,
      compileCache: this.placement === "inline" ? null : this.plan.compileCache,
      nicenessUntilWarm: this.placement === "thread" ? niceness : null,
    };
    const { warmUpTimeoutMs, abortGraceMs } = this.plan;
    const settings = { warmUpTimeoutMs, abortGraceMs, niceness };
    const worker = new PoolWorker((events) => this.#link(events), owner, boot, settings);
    const { number } = worker;
    this.plan.onEvent({
      kind: "worker-started",
      worker: number,
      placement: this.placement,
      niced: niceness !== null,
    });
    return worker;
  }

  /** Adds a seat to the tree without anybody waiting for it. */
  add(seat: Parameters<Supervision["add"]>[0]): void {
    this.addSoon(() => this.supervision.add(seat));
  }

  /** Starts something of which failures are told by the gate and the events. */
  addSoon(start: () => Promise<void>): void {
    start().catch((error: unknown) => {
      if (!this.isClosing) process.emitWarning(`A pool worker could not be started: ${String(error)}`);
    });
  }

  noteWarm(worker: PoolWorker): void {
    this.gate.succeeded();
    const tookMs = worker.state.kind === "warm" ? worker.state.sinceMs - worker.startedMs : 0;
    const compileCache = worker.state.kind === "warm" ? worker.state.report.compileCache : "off";
    const { number, memoryBytes } = worker;
    this.plan.onEvent({ kind: "worker-warm", worker: number, tookMs, memoryBytes, compileCache });
    if (this.#nices && this.#realTime > 0) this.#nice(worker, niceBesideRealTime);
    this.#lookWhetherReady();
    this.#firstWarm?.(worker);
    this.#firstWarm = null;
  }

  noteWarmupFailure(what: string, error: Error): PoolError {
    const text = `Cannot warm up a worker: ${what === "" ? "its start" : what} failed with ${error.name}: ${error.message}`;
    const failure = new PoolError("warmup-failed", text + remedyOf(error, this.placement), { cause: error });
    this.metrics.counts.warmupFailures += 1;
    const retryInMs = this.gate.failed(failure, performance.now(), Math.random());
    this.plan.onEvent({ kind: "warmup-failed", what, error, retryInMs });
    this.readiness.failed(failure);
    return failure;
  }

  noteGone(worker: PoolWorker, exit: WorkerExit): void {
    // A task may end its worker in order, too; nobody had asked for that.
    if (exit.kind === "crashed" || (exit.kind === "ended" && worker.endedFor === null))
      this.metrics.counts.crashes += 1;
    else if (exit.kind === "out-of-memory") this.metrics.counts.outOfMemory += 1;
    const why = exit.kind === "ended" ? worker.why : (worker.endedFor ?? exit.detail);
    this.plan.onEvent({ kind: "worker-ended", worker: worker.number, exit, why });
  }

  /** Why a worker is to be replaced although it is well, or null. */
  whyRecycle(worker: PoolWorker, mustWait?: () => boolean): string | null {
    const { state } = worker;
    if (state.kind !== "warm" && state.kind !== "leased") return null;
    if (worker.sent >= mostSent) return `it was sent ${worker.sent} tasks`;
    const { tasks, ageMs, memoryGrowthBytes } = this.plan.recycle;
    if (worker.tasksDone >= tasks) return `it has done ${worker.tasksDone} tasks`;
    const isOld = ageMs !== Infinity && performance.now() - state.sinceMs >= ageMs;
    const growth = worker.memoryBytes - state.report.memoryBytes;
    if ((!isOld && growth <= memoryGrowthBytes) || mustWait?.() === true) return null;
    return isOld ? `it is older than ${ageMs} ms` : `it grew by ${growth} bytes`;
  }

  /** A real-time lease began: whoever is not one steps back. */
  realTimeBegan(worker: PoolWorker): void {
    this.#realTime += 1;
    if (!this.#nices) return;
    if (this.#realTime === 1) for (const other of this.workers) this.#nice(other, niceBesideRealTime);
    this.#nice(worker, 0);
  }

  realTimeEnded(worker: PoolWorker): void {
    this.#realTime -= 1;
    if (!this.#nices) return;
    if (this.#realTime === 0) for (const other of this.workers) this.#nice(other, 0);
    else if (worker.state.kind !== "gone") this.#nice(worker, niceBesideRealTime);
  }

  /** Ends everything: running tasks get `graceMs`, then nothing is left. Who asks again may give them less. */
  close(graceMs: number | undefined): Promise<void> {
    if (graceMs !== undefined || this.#closing === null)
      this.#graceUntilMs = Math.min(this.#graceUntilMs, performance.now() + (graceMs ?? defaultGraceMs));
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.isClosing = true;
    const closed = new PoolError("pool-closed", "The pool was closed before this task began");
    this.shared.rejectAll(closed);
    this.shared.close();
    this.spares.close();
    this.readiness.gaveUp(new PoolError("pool-closed", "The pool was closed before it was ready"));
    if (this.#healthTimer !== null) clearInterval(this.#healthTimer);
    while (this.#isBusy && performance.now() < this.#graceUntilMs)
      await new Promise((resolve) => setTimeout(resolve, 5));
    this.#preparing.abort();
    await this.prepared;
    await Promise.all(this.workers.map((worker) => worker.end("the pool was closed")));
    await this.supervision.close(10_000);
    await this.#lifeline.close();
  }

  /** Tasks, or calls of leases, wait for their answer. */
  get #isBusy(): boolean {
    return this.shared.inFlight > 0 || this.workers.some(({ inFlight }) => inFlight > 0);
  }

  /** Sizes that depend on memory need one warm worker to look at; the others follow. */
  async #open(): Promise<void> {
    const { workers, spares } = this.plan;
    try {
      await (this.prepared = this.#prepareSnapshot());
      if (this.isClosing) return;
      const isAutomatic = workers === "auto" || spares === "auto";
      if (!isAutomatic) {
        await this.#insist("sizing", () => this.#decide(0));
        await this.#fill(0);
        return;
      }
      const first = new Promise<PoolWorker>((resolve) => (this.#firstWarm = resolve));
      const firstIsShared = workers !== 0;
      await (firstIsShared ? this.shared.addSlot() : this.spares.open(false));
      const worker = await first;
      await this.#insist("sizing", () => this.#decide(this.placement === "inline" ? 0 : worker.memoryBytes));
      await this.#fill(firstIsShared ? 1 : 0);
    } catch (error) {
      this.readiness.gaveUp(error as Error);
    }
  }

  /** Builds the startup snapshot. */
  async #prepareSnapshot(): Promise<void> {
    const { snapshot } = this.plan.process;
    if (this.placement !== "process" || snapshot === undefined) return;
    await this.#insist(String(snapshot), async (signal) => {
      this.#snapshotBlob = await buildSnapshot({
        script: snapshot,
        directory: ownCacheDirectory(),
        timeoutMs: this.plan.warmUpTimeoutMs,
        signal,
      });
    });
  }

  /** Does what no worker can be without; tries again as warm-ups do while that fails, until the pool is closed. */
  async #insist(what: string, step: (signal: AbortSignal) => Promise<void> | void): Promise<void> {
    const { signal } = this.#preparing;
    for (let isDone = false; !isDone && !signal.aborted;) {
      try {
        await step(signal);
        isDone = true;
      } catch (error) {
        if (signal.aborted) return;
        const failure = this.noteWarmupFailure(what, error as Error);
        this.shared.rejectAll(failure);
        this.spares.rejectAll(failure);
        await sleep(this.gate.waitMs(performance.now()), undefined, { signal, ref: false }).catch(() => undefined);
      }
    }
  }

  #decide(workerBytes: number): void {
    const { workers, spares, total } = this.plan;
    const size = sizePool({
      workers,
      spares: spares === "auto" ? "auto" : spares.target,
      cores: this.cores,
      workerBytes,
      availableBytes: readMemory().tightest.availableBytes,
      total,
    });
    this.size = size;
    this.spares.target = size.spares;
    this.spares.min = spares === "auto" ? 0 : spares.min;
    this.plan.onEvent({ kind: "sized", placement: this.placement, ...size });
    this.shared.sized();
  }

  async #fill(haveShared: number): Promise<void> {
    if (this.size === null) return;
    this.#lookWhetherReady();
    for (let index = haveShared; index < this.size.workers && !this.isClosing; index += 1) await this.shared.addSlot();
    // Whoever asked for a lease meanwhile may have started some.
    while (this.spares.missing > 0 && !this.isClosing) await this.spares.open(false);
  }

  /** Each seat counts once: one that is warm a second time does not stand for one that never was. */
  #lookWhetherReady(): void {
    const { size, shared, spares } = this;
    if (size !== null && shared.everWarm >= size.workers && spares.everWarm >= size.spares) this.readiness.reached();
  }

  #link(events: LinkEvents): Link {
    if (this.placement === "inline") return startInline(events);
    if (this.placement === "thread") return startThread(this.plan.thread, events);
    const marker: EnvironmentMarker = { name: markerName, value: `${this.#markerPrefix}${(this.#lastSerial += 1)}` };
    const around = { lifeline: this.#lifeline, marker, mayFork: this.#mayFork, snapshotBlob: this.#snapshotBlob };
    return startProcess(this.plan.process, around, events);
  }

  #nice(worker: PoolWorker, niceness: number): void {
    if (worker.link.placement === "process") worker.link.setNiceness(niceness);
    else if (worker.link.placement === "thread") worker.tell(order.nice, niceness, null);
  }

  #lookAtAll(): void {
    for (const worker of this.workers) {
      if (worker.state.kind !== "warm" && worker.state.kind !== "leased") continue;
      if (this.plan.recycle.memoryGrowthBytes !== Infinity) worker.measure();
      if (worker.state.kind === "warm" && worker.inFlight === 0) worker.owner.freed(worker);
    }
  }
}

function remedyOf(error: Error, placement: Placement): string {
  if ((error as NodeJS.ErrnoException).code !== "ERR_UNKNOWN_FILE_EXTENSION") return "";
  return (
    `; build it, or give workers what loads such files, as in ${placement}: { execArgv: ["--import", "tsx"] } ` +
    `(Node 22.18 and later load TypeScript by themselves)`
  );
}
