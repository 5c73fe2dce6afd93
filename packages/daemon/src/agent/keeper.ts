import type { AppSpec, Exit, InstanceState } from "@constellation/contract";
import { type Fit, fitOf } from "@constellation/core";
import {
  countOf,
  Instance,
  instanceName,
  type LifecycleEvent,
  type PortBinding,
  type RestartCount,
  type RunHandle,
  type StartRequest,
} from "@constellation/instances";
import type { AllocationRecord, RevisionRecord, RunRecord } from "../state/index.ts";
import { directive } from "./directive.ts";
import { History } from "./history.ts";
import { InFlight } from "./in-flight.ts";
import type { KeeperArgs } from "./keeper-args.ts";
import type { AgentParts } from "./parts.ts";
import { RunLog } from "./run-log.ts";
import { resolveRun, startRequest } from "./start-request.ts";

/** How long letting go of an instance may wait for a start that is under way. */
const letGoTimeoutMs = 3000;

/** Makes one instance do what its allocation says, and notes what it does. */
export class Keeper {
  readonly #parts: AgentParts;
  readonly #app: string;
  readonly #index: number;
  readonly #name: string;
  readonly #driver: InFlight;
  readonly #log: RunLog;
  readonly #history = new History();
  readonly #instance: Instance;
  /** Revision of the present or last run. */
  #revision: number | null = null;
  /** A later one that its run could not take over. */
  #refused: number | null = null;
  /** `tries` of the allocation for which it was launched. */
  #tries = 0;
  #begunAt: number | null = null;
  #ports: readonly PortBinding[] = [];
  /** Its first run, when that is written down and not begun. */
  #firstRunId: string | null = null;
  #removing = false;

  constructor({ app, index }: KeeperArgs, parts: AgentParts, post: (event: LifecycleEvent) => void) {
    this.#parts = parts;
    this.#app = app;
    this.#index = index;
    this.#name = instanceName({ app, index });
    this.#driver = new InFlight(parts.driver);
    this.#log = new RunLog(parts.repository, app, index);
    this.#instance = new Instance({
      driver: this.#driver,
      spec: this.#wanted()?.spec ?? neverStarted,
      request: ({ runId, count }, signal) => this.#request(runId, count, signal),
      observer: {
        changed: (state) => this.#changed(state),
        started: (_, request) => this.#hasStarted(request),
        ended: (_, exit) => this.#ended(exit),
        probed: (probe, ok, detail) =>
          parts.emit({ type: "probe.changed", app, instance: this.#name, probe, ok, detail }),
        trouble: (what, error) => parts.report(`${this.#name}: ${what}`, error),
      },
      left: this.#log.left,
      post,
      clock: parts.clock,
      random: parts.random,
    });
  }

  /** Takes up what an earlier daemon, or an earlier keeper, has left. True when there is a run to be found out about. */
  begin(): boolean {
    const { record } = this.#log;
    if (record === undefined || this.#isFirst(record)) {
      this.#publish();
      return false;
    }
    this.#revision = record.revision;
    this.#tries = record.tries;
    if (record.status === "launched") {
      const { runId, since } = record;
      this.#begunAt = since;
      this.#instance.handle({ type: "recover", runId, count: countOf(record), launchedAt: since });
      return true;
    }
    this.#publish();
    return false;
  }

  #isFirst(record: RunRecord): boolean {
    if (record.status !== "launched") return false;
    const { runId } = record;
    if (!this.#parts.firstRuns.take({ app: this.#app, index: this.#index }, runId)) return false;
    this.#firstRunId = runId;
    return true;
  }

  /** Compares with the allocation; resolves to true when nothing is left to keep. */
  async follow(): Promise<boolean> {
    const allocation = this.#allocation();
    if (allocation === undefined) return this.#leave();
    const wanted = this.#wanted();
    if (wanted !== undefined) this.#instance.configure(wanted.spec);
    const always = wanted?.spec.restart.policy === "always";
    for (;;) {
      const fit = this.#fit(allocation, wanted);
      const before = this.#instance.state;
      const anew = allocation.tries > this.#tries;
      const event = directive({ wish: allocation.wish, state: before, fit, anew, always });
      if (event?.type === "stop" || event?.type === "restart") await this.#parts.ports.withdraw(this.#app, this.#ports);
      if (event !== null) this.#instance.handle(this.#named(event));
      if (event === null || this.#instance.state.status === before.status) break;
    }
    await this.#takeRevision(allocation, wanted);
    return allocation.wish.kind === "remove" && this.#leave();
  }

  /** Gives an event of the instance's own to its life. */
  take(event: LifecycleEvent): void {
    this.#instance.handle(event);
  }

  /** Replaces the present run by a new one. */
  recycle(): void {
    if (this.#instance.run !== null) this.#instance.handle({ type: "restart" });
  }

  /** Ends the present run without asking the allocation: the daemon is told to take its instances along. */
  end(): void {
    const { status } = this.#instance.state;
    // Of what has done its work, or was given up, nothing runs; a daemon that goes on after all must not start it again.
    if (status !== "completed" && status !== "failed") this.#instance.handle({ type: "stop" });
  }

  /** Lets go of the instance, which goes on. */
  async letGo(): Promise<void> {
    await this.#driver.idle(letGoTimeoutMs);
    this.#log.close();
    this.#instance.handle({ type: "detach" });
  }

  #allocation(): AllocationRecord | undefined {
    return this.#parts.repository.mirror.allocations.get(this.#app)?.get(this.#index)?.record;
  }

  #wanted(): RevisionRecord | undefined {
    const allocation = this.#allocation();
    return allocation && this.#parts.repository.revision(this.#app, allocation.revision);
  }

  /** What the present or last run was started with. */
  #started(): RevisionRecord | undefined {
    return this.#revision === null ? undefined : this.#parts.repository.revision(this.#app, this.#revision);
  }

  #fit({ revision, replace }: AllocationRecord, wanted: RevisionRecord | undefined): Fit | null {
    if (this.#revision === null) return null;
    if (this.#revision === revision) return "current";
    const started = replace === true ? undefined : this.#started();
    return started === undefined || wanted === undefined ? "outdated" : fitOf(started, wanted);
  }

  /** What fits a later revision, as it is or with other limits, counts as that revision from now on. */
  async #takeRevision(allocation: AllocationRecord, wanted: RevisionRecord | undefined): Promise<void> {
    const { revision, wish } = allocation;
    if (wish.kind !== "run" || this.#revision === null || this.#revision === revision) return;
    const fit = this.#fit(allocation, wanted);
    const { run, state } = this.#instance;
    // A run to come gets them by itself; what has done its work needs none for them.
    const waits = run === null ? state.status !== "completed" : this.#refused === revision;
    if (fit === "outdated" || (fit === "live" && waits)) return;
    if (fit === "live" && run !== null && wanted !== undefined && !(await this.#takeLimits(run, wanted.spec))) {
      // The kernel does not take them while it runs. A new run gets them when its turn comes, as in any other update.
      this.#refused = revision;
      this.#publish();
      return;
    }
    await this.#log.adopt(revision);
    this.#revision = revision;
    this.#publish();
  }

  async #takeLimits(run: RunHandle, { resources }: AppSpec): Promise<boolean> {
    const present = this.#started()?.spec.resources;
    if (JSON.stringify(present) === JSON.stringify(resources)) return true;
    return run.limit(resources);
  }

  /** Nothing is left of it: its allocation and its record go together, as the last act. */
  async #leave(): Promise<boolean> {
    const { status } = this.#instance.state;
    if (this.#instance.run !== null || (status !== "stopped" && status !== "completed" && status !== "failed")) {
      if (status !== "stopping") this.#instance.handle({ type: "stop" });
      return false;
    }
    if (this.#removing) return false;
    this.#removing = true;
    try {
      this.#log.forget();
      await this.#log.idle();
      await this.#driver.idle(letGoTimeoutMs);
      const { repository, observations, emit } = this.#parts;
      const edit = repository.edit().delete({ kind: "alloc", app: this.#app, index: this.#index });
      await repository.write(edit.delete({ kind: "run", app: this.#app, index: this.#index }));
      observations.forget(this.#app, this.#index);
      emit({ type: "instance.removed", app: this.#app, instance: this.#name });
      return true;
    } finally {
      this.#removing = false;
    }
  }

  /** The first start has the name under which it is written down. */
  #named(event: LifecycleEvent): LifecycleEvent {
    const firstRunId = this.#firstRunId;
    if (event.type !== "start" || firstRunId === null) return event;
    this.#firstRunId = null;
    return { ...event, firstRunId };
  }

  async #request(runId: string, count: RestartCount, signal: AbortSignal): Promise<StartRequest> {
    const allocation = this.#allocation();
    const wanted = this.#wanted();
    if (allocation === undefined || wanted === undefined) throw new Error(`${this.#name} has no allocation any more`);
    const { spec } = wanted;
    const { revision, tries } = allocation;
    this.#revision = revision;
    this.#refused = null;
    this.#tries = tries;
    this.#releasePorts();
    const since = this.#parts.clock.nowMs();
    this.#begunAt = since;
    const run = await resolveRun(spec, this.#parts.artifacts);
    this.#ports = await this.#parts.ports.bind(spec, run, signal);
    const intent = spec.restart.policy === "never" ? "once" : "repeatable";
    await this.#log.launch({ status: "launched", runId, revision, tries, ...count, since }, { intent, signal });
    const urls = this.#parts.ports.urls();
    return startRequest({
      runId,
      index: this.#index,
      revision,
      restarts: count.restarts,
      spec,
      run,
      ports: this.#ports,
      urls,
    });
  }

  #hasStarted(request: StartRequest): void {
    if (this.#ports !== request.ports) {
      this.#ports = request.ports;
      void this.#parts.ports
        .keep(request.ports)
        .catch((error: unknown) => this.#parts.report(`${this.#name}: its ports could not be taken over`, error));
    }
    // Taken up anew while it runs: nothing changes that would be told, and whoever measures it needs its new handle.
    if (this.#instance.state.status === "running") return this.#publish();
    for (const { name, state, detail } of this.#instance.run?.facts.measures ?? []) {
      if (state === "partial" || (state === "missing" && name.startsWith("limit.")))
        this.#parts.emit({ type: "limit.missing", app: this.#app, instance: this.#name, limit: name, detail });
    }
  }

  #ended(exit: Exit): Promise<void> {
    const next = this.#instance.state;
    this.#history.ended(this.#parts.clock.nowMs(), exit);
    this.#parts.emit({ type: "instance.ended", app: this.#app, instance: this.#name, exit });
    if (next.status !== "starting") this.#releasePorts();
    // Its record goes with its allocation in a moment; one that dies before finds nothing to start again.
    if (next.status === "stopped" && (this.#allocation()?.wish.kind ?? "remove") === "remove") return Promise.resolve();
    return this.#log.ended(exit, next, {
      revision: this.#revision ?? 0,
      tries: this.#tries,
      count: this.#instance.count,
    });
  }

  #releasePorts(): void {
    this.#parts.ports.release(this.#ports);
    this.#ports = [];
  }

  #changed(state: InstanceState): void {
    this.#history.add(this.#parts.clock.nowMs(), state);
    this.#publish();
    this.#parts.emit({ type: "instance.changed", app: this.#app, instance: this.#name, state });
  }

  #publish(): void {
    const { run } = this.#instance;
    this.#parts.observations.report({
      app: this.#app,
      index: this.#index,
      revision: this.#revision,
      refused: this.#refused,
      tries: this.#tries,
      begunAt: this.#begunAt,
      driver: run?.facts.start === "warm" ? "worker" : this.#driver.name,
      state: this.#instance.state,
      restarts: this.#instance.count.restarts,
      run: run === null ? null : { handle: run, ports: this.#ports },
      history: this.#history.entries,
    });
  }
}

/** Rules for an instance without a revision: nothing is ever started with them. */
const neverStarted: Pick<AppSpec, "restart" | "stop" | "health"> = {
  restart: {
    policy: "never",
    initialDelayMs: 0,
    maxDelayMs: 0,
    factor: 1,
    jitter: 0,
    intensity: 0,
    periodMs: 1,
    resetAfterMs: 0,
  },
  stop: { signal: "SIGTERM", graceMs: 0 },
  health: { startup: null, readiness: null, liveness: null },
};
