import { Inlets } from "./channel.ts";
import type { LeasePath } from "./events.ts";
import { PoolError } from "./failure.ts";
import type { Home } from "./home.ts";
import { Lease, type Lessor, type Release } from "./lease.ts";
import type { LeaseOptions } from "./lease-options.ts";
import { admit } from "./latency/admission.ts";
import { openBehindGate } from "./opening.ts";
import { checkWhenGone } from "./options.ts";
import { Refill } from "./refill.ts";
import { crashOf } from "./task.ts";
import { WaitingLine } from "./waiting-line.ts";
import type { WorkerExit } from "./worker/link.ts";
import type { Pending } from "./worker/pending.ts";
import type { PoolWorker, WorkerOwner } from "./worker/pool-worker.ts";

/** Calls of `lease` that may wait, each until its deadline. */
const mostWaiting = 65_536;
/** Why a worker is ended that is well. */
const surplus = "more spares than wanted";

/** What is known of one exclusive worker besides itself. */
interface Place {
  wasWarm: boolean;
  phase: "opening" | "idle" | "leased" | "ending";
  lease: Lease | null;
  /** Promised time per tick of a real-time lease; 0 for others. */
  costMs: number;
}

/** Warm workers for exclusive use: ready ones, those on the way, those given away, and who waits for one. */
export class Spares implements WorkerOwner, Lessor {
  readonly #home: Home;
  readonly #idle: PoolWorker[] = [];
  readonly #places = new Set<Place>();
  readonly #placeOf = new Map<PoolWorker, Place>();
  readonly #enders = new Map<PoolWorker, (exit: WorkerExit, replace: boolean) => void>();
  readonly #line = new WaitingLine();
  readonly #refill: Refill;
  /** Set when the pool's size is decided. */
  min = 0;
  target = 0;
  /** Places of which a worker has been warm. */
  everWarm = 0;

  constructor(home: Home) {
    this.#home = home;
    this.#refill = new Refill(home.plan.refillDelayMs, () => this.#refillOne());
  }

  get idle(): number {
    return this.#idle.length;
  }

  get waiting(): number {
    return this.#line.size;
  }

  get workers(): PoolWorker[] {
    return [...this.#placeOf.keys()];
  }

  get abortGraceMs(): number {
    return this.#home.plan.abortGraceMs;
  }

  /** Spares that are neither ready nor on their way. */
  get missing(): number {
    return this.target - this.#idle.length - this.count("opening");
  }

  count(phase: Place["phase"]): number {
    let count = 0;
    for (const place of this.#places) if (place.phase === phase) count += 1;
    return count;
  }

  /** Starts one more. */
  async open(niced: boolean): Promise<void> {
    const place: Place = { wasWarm: false, phase: "opening", lease: null, costMs: 0 };
    this.#places.add(place);
    await this.#home.prepared;
    if (this.#home.isClosing) {
      this.#places.delete(place);
      return;
    }
    await this.#home.supervision.add({
      open: (ended) =>
        openBehindGate(
          this.#home.gate,
          () => {
            // Its seat opens again after a crash: somebody may wait for it by then.
            const worker = this.#home.start(this, niced && this.#line.size === 0);
            this.#placeOf.set(worker, place);
            this.#enders.set(worker, ended);
            return worker;
          },
          (error) => {
            this.warmupFailed("", error);
            ended({ kind: "crashed", detail: `could not be started: ${error.message}` }, true);
          },
        ),
    });
  }

  lease(options: LeaseOptions): Promise<Lease> {
    return new Promise((resolve, reject) => {
      options.signal?.throwIfAborted();
      const askedMs = performance.now();
      const costMs = options.tier === "realtime" ? (options.costMs ?? 0) : 0;
      const whenGone = options.whenGone === undefined ? this.#home.plan.whenGone : checkWhenGone(options.whenGone);
      this.#check(options, costMs);
      const grant = (worker: PoolWorker, path: LeasePath): void => resolve(this.#grant(worker, path, askedMs, costMs));
      const spare = this.#idle.pop();
      if (spare !== undefined) {
        grant(spare, "spare");
        return;
      }
      if (whenGone === "reject") throw this.#refused("leasesRejected", "no-spare", this.#noSpare());
      if (whenGone === "cold" && this.#isFull)
        throw this.#refused(
          "leasesRejected",
          "no-spare",
          `${this.#noSpare()}, and total (${this.#home.plan.total}) is reached`,
        );
      if (this.#line.size >= mostWaiting)
        throw this.#refused("queueFull", "queue-full", `${mostWaiting} wait for one already; lease fewer at a time`);
      const path = whenGone === "cold" ? "cold" : "queued";
      const deadlineMs = whenGone === "cold" ? this.#home.plan.warmUpTimeoutMs : whenGone.queueMs;
      this.#line.add({
        deadlineMs,
        signal: options.signal,
        costMs,
        give: (worker) => grant(worker, path),
        refuse: reject,
        late: () => this.#tooLate(deadlineMs),
      });
      for (const [worker, place] of this.#placeOf) if (place.phase === "opening") worker.hurry();
      if (path === "cold") this.#home.addSoon(() => this.open(false));
      else this.#refill.atOnce();
    });
  }

  warm(worker: PoolWorker): void {
    const place = this.#placeOf.get(worker) as Place;
    if (!place.wasWarm) this.everWarm += 1;
    place.wasWarm = true;
    this.#home.noteWarm(worker);
    // It was started for somebody who has given up waiting since.
    if (this.#home.size !== null && this.#isSurplus) {
      void this.#endWorker(worker, place, surplus);
      return;
    }
    place.phase = "idle";
    this.#offer(worker);
    this.#refill.next();
  }

  warmupFailed(what: string, error: Error): void {
    const failure = this.#home.noteWarmupFailure(what, error);
    if (this.count("idle") + this.count("leased") === 0) this.rejectAll(failure);
  }

  ran(us: number): void {
    this.#home.metrics.run.recordUs(us);
  }

  lost(pending: Pending, exit: WorkerExit, why: string): void {
    pending.lost(exit, why);
  }

  skipped(pending: Pending): void {
    // Only what is shared is taken back.
    pending.lost({ kind: "ended" }, "it was taken back");
  }

  freed(worker: PoolWorker): void {
    const place = this.#placeOf.get(worker);
    // What a lease runs is its holder's business.
    if (place?.phase !== "idle") return;
    const why = this.#home.whyRecycle(worker);
    // One at a time: spares are of one age, and all of them must not be gone at once.
    if (why === null || this.count("opening") + this.count("ending") > 0) return;
    place.phase = "ending";
    this.#idle.splice(this.#idle.indexOf(worker), 1);
    this.#home.metrics.counts.recycles += 1;
    void worker.end(why);
  }

  gone(worker: PoolWorker, exit: WorkerExit, unstarted: Pending[]): void {
    const place = this.#placeOf.get(worker) as Place;
    for (const pending of unstarted) pending.lost(exit, worker.why);
    this.#placeOf.delete(worker);
    const index = this.#idle.indexOf(worker);
    if (index >= 0) this.#idle.splice(index, 1);
    // One that was given away has been replaced by the refill; one that was ready is replaced by its supervisor.
    const replace = (place.phase === "opening" || place.phase === "idle") && !this.#home.isClosing;
    if (replace) place.phase = "opening";
    else this.#places.delete(place);
    place.lease?.lost(exit);
    place.lease = null;
    if (place.costMs > 0) this.#home.realTimeEnded(worker);
    place.costMs = 0;
    this.#home.noteGone(worker, exit);
    this.#enders.get(worker)?.(exit, replace);
    this.#enders.delete(worker);
    if (replace) return;
    // Somebody may have waited for its place.
    if (this.#line.size > 0 || this.#idle.length < this.min) this.#refill.atOnce();
    else this.#refill.later();
  }

  answered(lease: Lease): void {
    const tookMs = performance.now() - lease.askedMs;
    this.#home.metrics.handOver.recordMs(tookMs);
    const { budgetMs } = this.#home.plan;
    if (budgetMs === null || tookMs <= budgetMs) return;
    this.#home.metrics.counts.budgetMisses += 1;
    this.#home.plan.onEvent({ kind: "budget-missed", worker: lease.worker, tookMs, budgetMs });
  }

  async giveBack(worker: PoolWorker, how: Release): Promise<Release> {
    const place = this.#placeOf.get(worker);
    if (place === undefined || worker.state.kind !== "leased") return "recycled";
    place.lease = null;
    if (place.costMs > 0) this.#home.realTimeEnded(worker);
    place.costMs = 0;
    const why = this.#home.whyRecycle(worker);
    if (how === "returned" && why === null && !this.#isSurplus) {
      worker.endLease();
      worker.state = { kind: "warm", sinceMs: worker.state.sinceMs, report: worker.state.report };
      place.phase = "idle";
      this.#offer(worker);
      return "returned";
    }
    await this.#endWorker(worker, place, why ?? (how === "returned" ? surplus : "its lease was over"));
    return "recycled";
  }

  rejectAll(reason: unknown): void {
    this.#line.refuseAll(reason);
  }

  close(): void {
    this.#refill.close();
    this.rejectAll(new PoolError("pool-closed", "Cannot lease a worker: the pool is closed"));
  }

  /** Costs per tick that real-time leases have been promised, those included that still wait for their worker. */
  get promisedMs(): number[] {
    return [...[...this.#places].flatMap((place) => (place.costMs > 0 ? [place.costMs] : [])), ...this.#line.costsMs];
  }

  /** Whether the total is reached. */
  get #isFull(): boolean {
    return this.#places.size + this.#sharedWorkers >= this.#home.plan.total;
  }

  /** As many as there are to be: while the pool begins they are not there yet. */
  get #sharedWorkers(): number {
    const { plan, size, shared, cores } = this.#home;
    const wanted = size?.workers ?? (plan.workers === "auto" ? Math.max(1, Math.floor(cores)) : plan.workers);
    return Math.max(shared.slots, wanted);
  }

  get #isSurplus(): boolean {
    return this.#line.size === 0 && this.#idle.length >= Math.max(1, this.target);
  }

  #check(options: LeaseOptions, costMs: number): void {
    const home = this.#home;
    if (home.isClosing) throw new PoolError("pool-closed", "Cannot lease a worker: the pool is closed");
    const failure = home.warmupFailure;
    if (failure !== null && this.#idle.length === 0) throw failure;
    const { tier = "normal" } = options;
    if (tier !== "realtime" && tier !== "normal")
      throw new PoolError(
        "options-invalid",
        `Cannot lease a worker: tier is ${JSON.stringify(tier)}, wanted "normal" or "realtime"`,
      );
    if (tier === "normal") return;
    const { tickMs, fill } = home.plan;
    const admission = admit({
      cores: home.cores,
      tickMs,
      fill,
      running: this.promisedMs,
      costMs,
    });
    if (admission.kind === "invalid")
      throw new PoolError("options-invalid", `Cannot lease a worker: ${admission.reason}`);
    if (admission.kind === "refused") throw this.#refused("admissionsRefused", "admission-refused", admission.reason);
  }

  #refused(
    counter: "leasesRejected" | "admissionsRefused" | "leaseDeadlinesMissed" | "queueFull",
    code: "no-spare" | "admission-refused" | "queue-deadline" | "queue-full",
    reason: string,
  ): PoolError {
    this.#home.metrics.counts[counter] += 1;
    this.#home.plan.onEvent({ kind: "lease-refused", code });
    return new PoolError(code, `Cannot lease a worker: ${reason}`);
  }

  #noSpare(): string {
    return `no spare is left (${this.count("leased")} are leased, ${this.count("opening")} are on their way)`;
  }

  #tooLate(deadlineMs: number): PoolError {
    return this.#refused(
      "leaseDeadlinesMissed",
      "queue-deadline",
      `none came free in ${deadlineMs} ms; ${this.#noSpare()}`,
    );
  }

  async #endWorker(worker: PoolWorker, place: Place, why: string): Promise<void> {
    place.phase = "ending";
    this.#home.metrics.counts.recycles += 1;
    await worker.end(why);
  }

  /** Gives a free worker to who waits longest, or keeps it ready. */
  #offer(worker: PoolWorker): void {
    if (!this.#line.give(worker)) this.#idle.push(worker);
  }

  #grant(worker: PoolWorker, path: LeasePath, askedMs: number, costMs: number): Lease {
    const place = this.#placeOf.get(worker) as Place;
    const { state } = worker;
    if (state.kind !== "warm") throw crashOf("the lease", { kind: "ended" }, worker.why);
    worker.state = { kind: "leased", sinceMs: state.sinceMs, report: state.report };
    const inlets = new Inlets();
    worker.leaseTo(inlets);
    const lease = new Lease(worker, inlets, path, askedMs, this);
    place.phase = "leased";
    place.lease = lease;
    place.costMs = costMs;
    if (costMs > 0) this.#home.realTimeBegan(worker);
    const tookMs = performance.now() - askedMs;
    const { counts, assignment } = this.#home.metrics;
    assignment.recordMs(tookMs);
    if (path === "spare") counts.leasesFromSpare += 1;
    else if (path === "queued") counts.leasesQueued += 1;
    else counts.leasesCold += 1;
    this.#home.plan.onEvent({ kind: "leased", worker: worker.number, path, tookMs });
    if (this.#idle.length < this.min || this.#line.size > 0) this.#refill.atOnce();
    else this.#refill.later();
    return lease;
  }

  /** Starts the next missing one. Returns false when none is missing. */
  #refillOne(): boolean {
    const coming = this.count("opening");
    const missing = Math.max(this.target, this.#line.size) - this.#idle.length - coming;
    if (missing <= 0 || this.#home.isClosing || this.#isFull) return false;
    const isUrgent = this.#line.size > 0;
    // One at a time unless somebody waits: each disturbs the hand-overs of its time.
    if (coming >= (isUrgent ? Math.max(1, Math.floor(this.#home.cores)) : 1)) return false;
    this.#home.metrics.counts.refills += 1;
    this.#home.plan.onEvent({ kind: "refill", missing });
    this.#home.addSoon(() => this.open(!isUrgent));
    return true;
  }
}
