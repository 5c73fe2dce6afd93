import type { AppSpec } from "@constellation/contract";
import {
  type ActualInstance,
  type DependencyState,
  type Fit,
  fitOf,
  progressOf,
  type Revision,
  type RolloutGoal,
  settleMsOf,
  type SourcedApp,
  unmetDependency,
} from "@constellation/core";
import { isAlive, type Observations, type ObservedInstance } from "../agent/index.ts";
import type { AppRecord, Mirror } from "../state/index.ts";

/** Stops asked for within this time are ordered by dependencies whatever order they come in. */
const breathMs = 50;

/** What a plan is made from: the desired state and what was observed. */
export class Snapshot {
  readonly #mirror: Mirror;
  readonly #observations: Observations;
  readonly #nowMs: () => number;
  #dependentsOf = new Map<string, string[]>();
  /** Edition of the apps that the dependents were found in. */
  #edition = -1;

  constructor(mirror: Mirror, observations: Observations, nowMs: () => number) {
    this.#mirror = mirror;
    this.#observations = observations;
    this.#nowMs = nowMs;
  }

  record(app: string): AppRecord | undefined {
    return this.#mirror.apps.get(app)?.record;
  }

  /** The newest spec with the number of instances wanted now; undefined when there is no such app. */
  spec(app: string): AppSpec | undefined {
    const record = this.record(app);
    const newest = record && this.#revision(app, record.revision);
    return newest && { ...newest.spec, instances: record.instances };
  }

  /** Specs of all apps that are not on their way out. */
  specs(): AppSpec[] {
    return [...this.#mirror.apps].flatMap(([app, { record }]) =>
      record.mode === "removed" ? [] : (this.spec(app) ?? []),
    );
  }

  /** Apps that are not on their way out, with the files that they came from. */
  sources(): SourcedApp[] {
    return [...this.#mirror.apps].flatMap(([name, { record }]) =>
      record.mode === "removed" ? [] : [{ name, source: record.source }],
    );
  }

  goal(app: string, record: AppRecord): RolloutGoal {
    return {
      mode: record.mode,
      wanted: record.instances,
      surge: !this.#hasFixedPort(app, this.spec(app)),
      blockedBy: this.blockedBy(app),
    };
  }

  /** The dependency that keeps new instances of an app from starting, in words; null when there is none. */
  blockedBy(app: string): string | null {
    return unmetDependency(this.spec(app)?.dependsOn ?? [], (name) => this.#dependency(name));
  }

  instances(app: string, record: AppRecord): ActualInstance[] {
    const wanted = this.#revision(app, record.revision);
    return [...(this.#mirror.allocations.get(app) ?? [])].map(([index, { record: allocation }]) => {
      const observed = this.#observations.at(app, index);
      const state = observed?.state ?? null;
      // It was to go on as it is, and cannot: it waits for its turn to be replaced.
      const isRefused = allocation.replace !== true && observed?.refused === record.revision;
      const runsItsRevision =
        observed !== undefined &&
        (isRefused || observed.revision === allocation.revision) &&
        observed.tries === allocation.tries;
      const fit = isRefused ? "outdated" : this.#fit(app, allocation.revision, wanted);
      const isNewest = allocation.revision === record.revision;
      // What ran before an update has nothing to prove.
      const settleMs = fit === "outdated" ? 0 : this.#settleMs(app, allocation.revision);
      return {
        index,
        wish: allocation.wish,
        // What fits a later revision as it is still has to be called by its number.
        fit: fit === "current" && !isNewest ? "live" : fit,
        progress: progressOf({ state, runsItsRevision, nowMs: this.#nowMs(), settleMs }),
      };
    });
  }

  /** Time after which the app is worth another look although nothing happens; null when it is not. */
  lookAgainInMs(app: string): number | null {
    const record = this.record(app);
    if (record === undefined) return null;
    if (record.mode !== "running") {
      const heldMs = this.holdMs(app, record);
      return heldMs > 0 && heldMs < Infinity ? heldMs : null;
    }
    // Only an update waits for instances to have run for a while, until the one too many that it has brought is gone.
    const instances = this.instances(app, record);
    if (instances.length <= record.instances && !instances.some(({ fit }) => fit === "outdated")) return null;
    const waits = this.#observations.of(app).flatMap(({ state, revision }) => {
      if (state.status !== "running" || !state.ready || revision === null) return [];
      const leftMs = state.since + this.#settleMs(app, revision) - this.#nowMs();
      return leftMs > 0 ? [leftMs] : [];
    });
    return waits.length === 0 ? null : Math.min(...waits);
  }

  /**
   * Numbers of the instances that have failed for good and will not be tried again by themselves: of the first `wanted`, and
   * the one too many that an update has begun with.
   */
  failed(app: string, wanted: number): number[] {
    const present = this.record(app)?.instances ?? 0;
    return this.#observations
      .of(app)
      .filter(({ state, index }) => state.status === "failed" && (index <= wanted || index > present))
      .filter((one) => this.isCurrent(one))
      .map(({ index }) => index);
  }

  /** Whether this instance does what the newest revision says, and the last wish to try it anew. */
  isCurrent(observed: ObservedInstance): boolean {
    const record = this.record(observed.app);
    if (record === undefined || observed.revision === null || observed.refused === record.revision) return false;
    const allocation = this.#mirror.allocations.get(observed.app)?.get(observed.index)?.record;
    if (allocation !== undefined && allocation.tries !== observed.tries) return false;
    const wanted = this.#revision(observed.app, record.revision);
    return this.#fit(observed.app, observed.revision, wanted) !== "outdated";
  }

  /**
   * How long the stop of an app waits for apps that depend on it and go first: until they are gone when they are being
   * stopped too (`Infinity`), and for a moment when they are not, because their stop may come with the same breath.
   */
  holdMs(app: string, record: AppRecord): number {
    let holdMs = 0;
    for (const name of this.#dependents(app)) {
      const dependent = this.record(name);
      if (dependent === undefined || !this.isAlive(name)) continue;
      if (dependent.mode !== "running") return Infinity;
      const leftMs = record.updatedAt + breathMs - this.#nowMs();
      // Longer is left only where the clock was set back while no daemon ran: nobody knows how long ago it was.
      if (leftMs <= breathMs) holdMs = Math.max(holdMs, leftMs);
    }
    return holdMs;
  }

  /** True while an instance of the app runs or is about to. */
  isAlive(app: string): boolean {
    return this.#observations.of(app).some(({ state }) => isAlive(state));
  }

  /** Apps whose plans look at this one. */
  neighbours(app: string): string[] {
    const own = this.spec(app)?.dependsOn.map((dependency) => dependency.app) ?? [];
    return [...own, ...this.#dependents(app)];
  }

  #dependents(app: string): readonly string[] {
    if (this.#edition !== this.#mirror.editions) {
      this.#edition = this.#mirror.editions;
      this.#dependentsOf = this.#findDependents();
    }
    return this.#dependentsOf.get(app) ?? [];
  }

  #findDependents(): Map<string, string[]> {
    const found = new Map<string, string[]>();
    for (const [name, { record }] of this.#mirror.apps) {
      for (const { app } of this.#revision(name, record.revision)?.spec.dependsOn ?? [])
        found.set(app, [...(found.get(app) ?? []), name]);
    }
    return found;
  }

  #revision(app: string, revision: number): Revision | undefined {
    return this.#mirror.revisions.get(app)?.get(revision)?.record;
  }

  #settleMs(app: string, revision: number): number {
    const health = this.#revision(app, revision)?.spec.health;
    return health === undefined ? 0 : settleMsOf(health);
  }

  #fit(app: string, revision: number, wanted: Revision | undefined): Fit {
    const started = this.#revision(app, revision);
    if (wanted === undefined || started === undefined) return "outdated";
    return fitOf(started, wanted);
  }

  #dependency(app: string): DependencyState | null {
    const record = this.record(app);
    if (record === undefined || record.mode === "removed") return null;
    // Whoever did the work of an earlier revision has that of the newest before it.
    const counting = this.#observations
      .of(app)
      .filter((one) => one.state.status !== "completed" || this.isCurrent(one));
    return { wanted: record.instances, states: counting.map(({ state }) => state) };
  }

  /** Two programs that insist on the same port of the same network cannot run side by side, not even for an update. */
  #hasFixedPort(app: string, spec: AppSpec | undefined): boolean {
    const fixed = new Set(spec?.ports.filter(({ targetPort }) => targetPort !== null).map(({ name }) => name));
    return this.#observations
      .list(app)
      .some(
        ({ run }) =>
          run?.handle.facts.address === "127.0.0.1" &&
          run.ports.some(({ name, mode }) => mode !== "shared" && fixed.has(name)),
      );
  }
}
