import type { AppSpec, AppSummary, ApplyRequest, Change, EventBody } from "@constellation/contract";
import { ConstellationError } from "@constellation/contract";
import { checkDependencies, type NodeCapacity, summarise } from "@constellation/core";
import { instanceName } from "@constellation/instances";
import type { FirstRuns, Observations } from "../agent/index.ts";
import type { AppRecord, Edit, Repository } from "../state/index.ts";
import { Announcer } from "./announce.ts";
import { checkApplication, enact, tryAnew } from "./apply.ts";
import { forgiving } from "./forgiving.ts";
import type { ArtifactLookup } from "./check-files.ts";
import { checkPortConflicts } from "./check-ports.ts";
import { reconcile } from "./reconcile.ts";
import { Snapshot } from "./snapshot.ts";

/** Opens the public ports of an app before anything is changed, so that one in use refuses the whole change. */
export interface PortOpener {
  /**
   * Opens what is not open yet; when one cannot be opened, or `possible` rejects, those opened by this call are closed again.
   *
   * @param possible what else must turn out well: waited for beside the opening
   * @returns to be called when it is written down who needs them, or will not be: until then nobody closes them
   * @throws what `possible` rejects with; ConstellationError `port.in-use`, `access.denied`
   */
  open(specs: readonly AppSpec[], possible?: Promise<void>): Promise<() => void>;
  /** Says who listens on the ports that would have to be opened, without opening them. @throws as {@link open} */
  check(specs: readonly AppSpec[]): Promise<void>;
}

/** Everything that the scheduler works with. */
export interface SchedulerParts {
  readonly repository: Repository;
  readonly observations: Observations;
  readonly firstRuns: FirstRuns;
  readonly ports: PortOpener;
  readonly artifacts: ArtifactLookup;
  readonly capacity: () => NodeCapacity;
  /** Refuses a spec of which this machine cannot do what it asks for. */
  readonly feasible: (spec: AppSpec) => Promise<void>;
  /** Removes what is kept of an app whose instances are all gone: logs and data. @returns whether there was any */
  readonly erase: (app: string) => Promise<boolean>;
  /** Removes what need not be kept of such an app: what was held for instances that wrote nothing. */
  readonly tidy: (app: string) => Promise<void>;
  readonly emit: (event: EventBody) => void;
  /** Takes what went wrong to the daemon's log. */
  readonly report: (text: string, error: unknown) => void;
  readonly nowMs: () => number;
  /** Name of this node in allocations. */
  readonly node: string;
}

/** Changes the desired state and makes allocations of it. Its calls must come one at a time: see `schedulerActor`. */
export class Scheduler {
  readonly snapshot: Snapshot;
  readonly #parts: SchedulerParts;
  readonly #announcer: Announcer;

  constructor(parts: SchedulerParts) {
    this.#parts = parts;
    this.snapshot = new Snapshot(parts.repository.mirror, parts.observations, parts.nowMs);
    this.#announcer = new Announcer(parts.emit);
  }

  /** Makes the specs the desired state: all of them, or none when one is refused. @throws as `checkApplication`, and what writing throws */
  async apply(request: ApplyRequest): Promise<Change[]> {
    const { repository, ports, nowMs } = this.#parts;
    const application = checkApplication(request, { ...this.#parts, snapshot: this.snapshot });
    const { changed, possible } = application;
    if (request.dryRun === true) {
      await possible;
      await ports.check(changed);
      return [...application.changes];
    }
    const edit = repository.edit();
    const release = await ports.open(changed, possible);
    let undecided: string[] = [];
    try {
      undecided = enact(application, {
        snapshot: this.snapshot,
        mirror: repository.mirror,
        edit,
        at: nowMs(),
        node: this.#parts.node,
        firstRuns: this.#parts.firstRuns,
      });
      if (edit.isEmpty) return [...application.changes];
      await repository.write(edit);
    } catch (error) {
      for (const { key } of edit.written.values()) if (key.kind === "run") this.#parts.firstRuns.forget(key);
      throw error;
    } finally {
      release();
    }
    for (const { app, revision, change } of application.changes)
      if (change !== "removed" && change !== "orphaned")
        this.#parts.emit({ type: "app.applied", app, revision, change });
    await this.pass(undecided);
    return [...application.changes];
  }

  async stop(app: string): Promise<void> {
    this.#existing(app);
    await this.#change(app, (record) => (record.mode === "stopped" ? null : { ...record, mode: "stopped" }));
  }

  /** With `erase` an app that has gone before may be named as well, for what was kept of it. */
  async remove(app: string, erase: boolean): Promise<void> {
    if (erase && !this.#all().has(app)) {
      if (!(await this.#parts.erase(app))) throw notFound(app);
      return;
    }
    await this.#change(app, (record) =>
      record.mode === "removed" && (record.erase || !erase) ? null : { ...record, mode: "removed", erase },
    );
  }

  /** Starts a stopped app, and what has failed of one that is wanted to run. @throws ConstellationError `port.in-use`, `spec.invalid` when a dependency has gone */
  async start(app: string): Promise<void> {
    const spec = this.#existing(app);
    if (this.snapshot.record(app)?.mode === "running") return this.#tryAnew(app, spec.instances);
    const running = this.snapshot.specs().filter(({ name }) => this.snapshot.record(name)?.mode === "running");
    checkDependencies(forgiving(this.snapshot.specs(), [app]));
    checkPortConflicts(running, [spec]);
    const release = await this.#parts.ports.open([spec]);
    try {
      await this.#change(app, (record) => ({ ...record, mode: "running" }));
    } finally {
      release();
    }
  }

  /** Replaces all instances one after the other by a revision with the same spec. */
  async restart(app: string): Promise<void> {
    this.#existing(app);
    const { repository } = this.#parts;
    const record = this.snapshot.record(app);
    const newest = record && repository.revision(app, record.revision);
    if (record === undefined || newest === undefined) throw notFound(app);
    if (record.mode === "stopped") return this.start(app);
    const revision = record.revision + 1;
    const edit = repository.edit();
    edit.put({ kind: "revision", app, revision }, { ...newest, restarts: newest.restarts + 1 });
    edit.put({ kind: "app", app }, { ...record, revision, updatedAt: this.#parts.nowMs() });
    await repository.write(edit);
    this.#parts.emit({ type: "app.applied", app, revision, change: "updated" });
    await this.pass([app]);
  }

  async scale(app: string, instances: number): Promise<void> {
    this.#existing(app);
    const changed = await this.#change(app, (record) =>
      record.instances === instances ? null : { ...record, instances },
    );
    if (changed !== null) this.#parts.emit({ type: "app.applied", app, revision: changed.revision, change: "scaled" });
  }

  /**
   * Looks at these apps, or at all, and writes the allocations that bring them nearer to what is wanted.
   * Resolves to the apps that are worth another look after so many milliseconds although nothing happens.
   */
  async pass(apps: Iterable<string> = this.#all()): Promise<ReadonlyMap<string, number>> {
    const { repository, node } = this.#parts;
    const looked = new Set(apps);
    // Before the app itself: a daemon that dies in between removes it once more.
    const cleared = new Set<string>();
    for (const app of looked) if (this.#isToClear(app) && (await this.#isCleared(app))) cleared.add(app);
    // From here on in one breath: an app whose last instance went meanwhile has its own look before it.
    for (const app of looked) if (this.#isToClear(app) && !cleared.has(app)) looked.delete(app);
    const edit: Edit = repository.edit();
    const removed: string[] = [];
    for (const app of looked) {
      if (reconcile(app, this.snapshot, repository.mirror, node, edit) === "removed") removed.push(app);
    }
    if (!edit.isEmpty) await repository.write(edit);
    for (const app of removed) this.#announcer.removed(app);
    for (const app of looked) this.#announce(app);
    const again = new Map<string, number>();
    for (const app of looked) {
      const inMs = this.snapshot.lookAgainInMs(app);
      if (inMs !== null) again.set(app, inMs);
    }
    return again;
  }

  /** Its last instance is gone, and what is not to be kept of it goes before it. */
  #isToClear(app: string): boolean {
    return this.snapshot.record(app)?.mode === "removed" && !this.#parts.repository.mirror.allocations.has(app);
  }

  /** What cannot be erased holds nobody else up: the next sweep tries again. */
  async #isCleared(app: string): Promise<boolean> {
    try {
      if (this.snapshot.record(app)?.erase === true) await this.#parts.erase(app);
      else await this.#parts.tidy(app);
      return true;
    } catch (error) {
      this.#parts.report(`the data and logs of ${app} could not be erased`, error);
      return false;
    }
  }

  /** Notes what an earlier daemon has announced already. */
  begin(): void {
    for (const app of this.#all()) {
      const summary = this.summary(app);
      if (summary !== undefined) this.#announcer.note(summary);
    }
  }

  /** How an app is doing; undefined when there is none of that name. */
  summary(app: string): Omit<AppSummary, "urls"> | undefined {
    const record = this.snapshot.record(app);
    if (record === undefined) return undefined;
    const instances = this.#parts.observations.of(app).map((observed) => ({
      name: instanceName(observed),
      state: observed.state,
      revision: observed.revision ?? 0,
      current: this.snapshot.isCurrent(observed),
    }));
    return summarise({
      name: app,
      revision: record.revision,
      mode: record.mode,
      wanted: record.instances,
      source: record.source,
      updatedAt: record.updatedAt,
      instances,
      // Asked only where there is an update that it could hold up.
      blockedBy: instances.every(({ current }) => current) ? null : this.snapshot.blockedBy(app),
    });
  }

  async #tryAnew(app: string, wanted: number): Promise<void> {
    const { repository } = this.#parts;
    const edit = repository.edit();
    if (!tryAnew(app, wanted, { snapshot: this.snapshot, mirror: repository.mirror, edit })) return;
    await repository.write(edit);
    await this.pass([app]);
  }

  #all(): Set<string> {
    const { apps, allocations, revisions } = this.#parts.repository.mirror;
    return new Set([...apps.keys(), ...allocations.keys(), ...revisions.keys()]);
  }

  #announce(app: string): void {
    const summary = this.summary(app);
    if (summary !== undefined) this.#announcer.tell(summary);
  }

  #existing(app: string): AppSpec {
    const spec = this.snapshot.spec(app);
    if (spec === undefined || this.snapshot.record(app)?.mode === "removed") throw notFound(app);
    return spec;
  }

  /** Writes a change of an app's record; null leaves it as it is. */
  async #change(app: string, change: (record: AppRecord) => AppRecord | null): Promise<AppRecord | null> {
    const { repository, nowMs } = this.#parts;
    const record = this.snapshot.record(app);
    if (record === undefined) throw notFound(app);
    const next = change(record);
    if (next === null) return null;
    await repository.write(repository.edit().put({ kind: "app", app }, { ...next, updatedAt: nowMs() }));
    return next;
  }
}

/** There is no app of this name. */
export function notFound(app: string): ConstellationError {
  return new ConstellationError("app.not-found", `There is no app named ${app}`, {
    remedy: "List the apps with `constellation ps`.",
  });
}
