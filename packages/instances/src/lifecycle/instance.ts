import type { InstanceState } from "@constellation/contract";
import type { Clock } from "../driver/clock.ts";
import { systemClock } from "../driver/clock.ts";
import type { Driver, RunHandle } from "../driver/driver.ts";
import type { StartRequest } from "../driver/start-request.ts";
import { InstanceProbes } from "../probes/instance-probes.ts";
import type { LifecycleEffect, LifecycleEvent } from "./event.ts";
import { type InstanceSpec, rulesOf } from "./instance-spec.ts";
import type { InstanceObserver } from "./observer.ts";
import { countOf, type LifeLeft, type Lifecycle, newLifecycle, type RestartCount } from "./lifecycle.ts";
import { startFailure } from "./start-failure.ts";
import { step, wakeAt, wantedProbes } from "./step.ts";
import { view } from "./view.ts";

/** What an instance is made of. */
export interface InstanceOptions {
  readonly driver: Driver;
  readonly spec: InstanceSpec;
  /** Makes the request of one launch, so that each run gets the newest spec, ports and URLs. It may refuse by throwing. */
  readonly request: (run: LaunchedRun, signal: AbortSignal) => Promise<StartRequest>;
  readonly observer: InstanceObserver;
  /** Where an earlier daemon left it. @default it was never started */
  readonly left?: LifeLeft | undefined;
  /** Where events from runs, probes and timers go; whoever gets them gives them to `handle`, in order. @default `handle` itself */
  readonly post?: (event: LifecycleEvent) => void;
  /** @default the machine's clock */
  readonly clock?: Clock;
  /** @default Math.random */
  readonly random?: () => number;
}

/** A run that is about to be launched. */
export interface LaunchedRun {
  readonly runId: string;
  /** To be kept with it, for the next daemon. */
  readonly count: RestartCount;
}

/** The run that an instance has now. */
interface Current {
  readonly runId: string;
  readonly cancel: AbortController;
  run: { readonly handle: RunHandle; readonly probes: InstanceProbes } | null;
}

/**
 * One instance: the state machine of its life, and the hands that do what it says. It decides nothing itself.
 *
 * @example
 * const instance = new Instance({ driver, spec, request, observer });
 * instance.handle({ type: "start" });
 */
export class Instance {
  readonly #options: InstanceOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #post: (event: LifecycleEvent) => void;
  #spec: InstanceSpec;
  #life: Lifecycle;
  #current: Current | null = null;
  /** Settled when the last launch has led to a run, or has failed. */
  #starting: Promise<unknown> = Promise.resolve();
  #wake: { readonly at: number; cancel(): void } | null = null;

  constructor(options: InstanceOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#post = options.post ?? ((event) => this.handle(event));
    this.#spec = options.spec;
    this.#life = newLifecycle(rulesOf(options.spec), this.#clock.nowMs(), options.left);
    this.#armWake();
  }

  get state(): InstanceState {
    return view(this.#life);
  }

  get count(): RestartCount {
    return countOf(this.#life);
  }

  /** The run in hand; null before it has started and after it has ended. */
  get run(): RunHandle | null {
    return this.#current?.run?.handle ?? null;
  }

  /** Changes what rules its life from now on; what runs goes on. */
  configure(spec: InstanceSpec): void {
    if (spec === this.#spec) return;
    const retimed = JSON.stringify(this.#spec.health) !== JSON.stringify(spec.health);
    this.#spec = spec;
    if (retimed) this.#current?.run?.probes.retime(spec.health);
    this.handle({ type: "rules", rules: rulesOf(spec) });
  }

  /** Takes one event to its end: next state, then every effect. */
  handle(event: LifecycleEvent): void {
    const before = this.#life;
    const { next, effects } = step(before, event, this.#clock.nowMs(), this.#random());
    this.#life = next;
    for (const effect of effects) this.#perform(effect);
    this.#armWake();
    this.#current?.run?.probes.want(wantedProbes(next));
    // Most events leave the phase as it is; only another one can look different.
    if (next.phase === before.phase) return;
    const state = view(next);
    if (!same(view(before), state)) this.#options.observer.changed(state, next.restarts);
  }

  #perform(effect: LifecycleEffect): void {
    switch (effect.type) {
      case "launch":
        this.#current = { runId: effect.runId, cancel: new AbortController(), run: null };
        void this.#launch(this.#current, effect.count);
        break;
      case "cancel-launch":
        this.#current?.cancel.abort();
        break;
      case "recover":
        this.#current = { runId: effect.runId, cancel: new AbortController(), run: null };
        void this.#recover(this.#current);
        break;
      case "stop":
        void this.#stop(effect);
        break;
      case "remember":
        void this.#remember(effect);
        break;
      case "record-end":
        this.#letGo();
        void this.#settle(effect.runId, () => this.#options.observer.ended(effect.runId, effect.exit));
        break;
      case "release":
        this.#letGo();
        void this.#settle(effect.runId, () => Promise.resolve());
        break;
      case "detach":
        this.#letGo();
        break;
    }
  }

  async #launch(current: Current, count: RestartCount): Promise<void> {
    const { runId } = current;
    const start = this.#start(current, count);
    this.#starting = start.catch(() => undefined);
    try {
      const { handle, request } = await start;
      if (!this.#take(current, handle, request)) return;
      this.#options.observer.started(handle.facts, request);
      this.#post({ type: "started", runId, pid: handle.facts.pid });
      void this.#watch(current, handle);
    } catch (error) {
      this.#post({ type: "start-failed", runId, ...startFailure(error, this.#clock.nowMs()) });
    }
  }

  /** Tells how a run ends. One that cannot be watched, for want of descriptors for one, is taken up anew: it goes on. */
  async #watch(current: Current, handle: RunHandle): Promise<void> {
    const { runId } = current;
    try {
      this.#post({ type: "ended", runId, exit: await handle.wait() });
    } catch (error) {
      if (this.#life.detached || this.#current !== current || current.run?.handle !== handle) return;
      this.#options.observer.trouble(`cannot watch the run ${runId}`, error);
      this.#recoverLater(current);
    }
  }

  async #start(
    { runId, cancel: { signal } }: Current,
    count: RestartCount,
  ): Promise<{ readonly handle: RunHandle; readonly request: StartRequest }> {
    const request = await this.#options.request({ runId, count }, signal);
    // Whoever comes next looks what became of this run, and may have found already that it never began.
    if (this.#life.detached) throw new Error(`nobody waits for the run ${runId} any more`);
    return { handle: await this.#options.driver.start(request, { signal }), request };
  }

  async #recover(current: Current): Promise<void> {
    const { runId, cancel } = current;
    try {
      const recovery = await this.#options.driver.recover(runId, { signal: cancel.signal });
      if (recovery.status === "never-started") return this.#post({ type: "never-started", runId });
      if (recovery.status === "ended") return this.#post({ type: "ended", runId, exit: recovery.exit });
      const { handle, notes, request } = recovery;
      if (!this.#take(current, handle, request)) return;
      const { pid, startedAt } = handle.facts;
      this.#options.observer.started(handle.facts, request);
      this.#post({ type: "recovered", runId, pid, startedAt, notes });
      void this.#watch(current, handle);
    } catch (error) {
      // What cannot be read now may be read later; until then nothing else may be started in its place.
      this.#options.observer.trouble(`cannot find out what became of the run ${runId}`, error);
      this.#recoverLater(current);
    }
  }

  #recoverLater(current: Current): void {
    this.#clock.after(recoverRetryMs, () => void (this.#current === current && this.#recover(current)));
  }

  /** Takes a run in hand; when nobody waits for it any more it is let go, and goes on. */
  #take(current: Current, handle: RunHandle, { ports }: StartRequest): boolean {
    if (this.#current !== current || this.#life.detached) {
      handle.detach();
      return false;
    }
    const probes = new InstanceProbes(handle, this.#spec.health, ports, this.#clock, (news) => {
      const { purpose, verdict, detail } = news;
      const { runId } = current;
      if (verdict !== "unknown") this.#options.observer.probed(purpose, verdict === "up", detail);
      // What holds an instance back is told too: the detail is what users read while they wait.
      const ok = verdict === "unknown" && purpose === "startup" ? null : verdict === "up";
      if (verdict !== "unknown" || purpose !== "liveness") this.#post({ type: "probe", runId, purpose, ok, detail });
    });
    const before = current.run;
    current.run = { handle, probes };
    before?.probes.close();
    before?.handle.detach();
    return true;
  }

  async #stop({ runId, signal, graceMs }: LifecycleEffect & { type: "stop" }): Promise<void> {
    try {
      await this.#current?.run?.handle.stop(signal, graceMs);
    } catch (error) {
      // Let go of in the midst of it: it goes on with its stop.
      if (this.#life.detached) return;
      this.#options.observer.trouble(`cannot stop the run ${runId}`, error);
      this.#post({ type: "stop-failed", runId, detail: error instanceof Error ? error.message : String(error) });
    }
  }

  async #remember({ runId, notes }: LifecycleEffect & { type: "remember" }): Promise<void> {
    try {
      await this.#current?.run?.handle.remember(notes);
    } catch (error) {
      this.#options.observer.trouble(`cannot keep what was learned of the run ${runId}`, error);
    }
  }

  /** Recorded first and released after: a daemon that dies between the two finds the end again. */
  async #settle(runId: string, record: () => Promise<void>): Promise<void> {
    try {
      await record();
      // To clear up behind a run takes as long as to start the next one, and only that one is waited for.
      await this.#starting;
      await this.#options.driver.release(runId);
    } catch (error) {
      this.#options.observer.trouble(`cannot record and release the run ${runId}; the next daemon will`, error);
    }
  }

  #letGo(): void {
    this.#current?.run?.probes.close();
    this.#current?.run?.handle.detach();
    this.#current = null;
  }

  #armWake(): void {
    const at = wakeAt(this.#life);
    if (at === (this.#wake?.at ?? null)) return;
    this.#wake?.cancel();
    this.#wake = null;
    if (at === null) return;
    const timer = this.#clock.after(at - this.#clock.nowMs(), () => {
      this.#wake = null;
      // Whoever takes it arms the next one: until then each would only make the line before it longer.
      this.#post({ type: "wake" });
    });
    this.#wake = { at, cancel: () => timer.cancel() };
  }
}

/** Time after which a recovery that failed is tried again. */
const recoverRetryMs = 1000;

function same(one: InstanceState, other: InstanceState): boolean {
  return one.status === other.status && JSON.stringify(one) === JSON.stringify(other);
}
