import { type AppSpec, type ApplyRequest, type Change, ConstellationError, parseApp } from "@constellation/contract";
import {
  changeOf,
  checkCapacity,
  checkDependencies,
  type KnownApp,
  type NodeCapacity,
  orphansOf,
  type Wish,
} from "@constellation/core";
import { instanceName } from "@constellation/instances";
import type { FirstRuns } from "../agent/index.ts";
import type { Edit, Mirror } from "../state/index.ts";
import { type ArtifactLookup, checkFiles } from "./check-files.ts";
import { checkPortConflicts } from "./check-ports.ts";
import { forgiving } from "./forgiving.ts";
import type { Snapshot } from "./snapshot.ts";

/** A request that contradicts neither itself nor what is wanted already, with what it changes. */
export interface Application {
  readonly specs: readonly AppSpec[];
  /** Those of them that are not as they are wanted already. */
  readonly changed: readonly AppSpec[];
  /** First those of the specs, in their order, then those of orphans. */
  readonly changes: readonly Change[];
  /** File that the specs come from. */
  readonly source: string | undefined;
  /**
   * Settles when it is known whether the machine can do it.
   * Rejects with ConstellationError `spec.invalid`, `artifact.not-found`, `limit.unenforceable`, `isolation.unavailable`.
   */
  readonly possible: Promise<void>;
}

/** What checking needs to know of the world. */
export interface ApplyContext {
  readonly snapshot: Snapshot;
  readonly artifacts: ArtifactLookup;
  readonly capacity: () => NodeCapacity;
  /** Refuses what this machine cannot do of a spec. @throws ConstellationError `limit.unenforceable`, `isolation.unavailable`, `spec.invalid` */
  readonly feasible: (spec: AppSpec) => Promise<void>;
}

/**
 * Checks everything that can be known before anything is changed, for all specs together. What the disk and the kernel have
 * to say is heard later (`possible`), so that other things can be done meanwhile.
 *
 * @throws ConstellationError `spec.invalid`, `spec.cycle`, `app.exists`, `state.conflict`, `limit.exceeds-node`, `port.in-use`
 */
export function checkApplication(request: ApplyRequest, context: ApplyContext): Application {
  const { snapshot, artifacts, capacity, feasible } = context;
  const specs = parseAll(request.apps);
  const files = Promise.all(specs.map((spec) => checkFiles(spec, artifacts)));
  files.catch(() => undefined);
  for (const spec of specs) checkName(spec, snapshot, request.createOnly ?? false);
  const names = new Set(specs.map(({ name }) => name));
  const orphans = request.source === undefined ? [] : orphansOf(snapshot.sources(), request.source, [...names]);
  const gone = new Set(request.prune === true ? orphans : []);
  const others = mayClash(specs, gone) ? snapshot.specs().filter(({ name }) => !names.has(name)) : null;
  if (others !== null) {
    // Of the others only what this very application would take away from them counts.
    const together = forgiving([...others, ...specs], [...names]);
    checkDependencies(together.filter(({ name }) => !gone.has(name)));
  }
  const nodes = [capacity()];
  for (const spec of specs) checkCapacity(spec, nodes);
  if (others !== null) {
    // Orphans, too: their ports are theirs until they have ended.
    const running = others.filter(({ name }) => snapshot.record(name)?.mode === "running");
    checkPortConflicts(running, specs);
  }
  const changes = specs.map((spec) => changeOf(known(spec, snapshot), spec));
  const changed = specs.filter((_, at) => changes[at]?.change !== "unchanged");
  const change = request.prune === true ? "removed" : "orphaned";
  const fate = orphans.map((app): Change => ({
    app,
    change,
    revision: snapshot.record(app)?.revision ?? 0,
    differences: [],
  }));
  const possible = (async () => {
    await files;
    for (const spec of changed) await feasible(spec);
  })();
  possible.catch(() => undefined);
  return { specs, changed, changes: [...changes, ...fate], source: request.source, possible };
}

/**
 * Puts what an application changes into `edit`. Returns the apps whose instances are yet to be decided on.
 *
 * More than one transaction takes is written in this order: programs that nobody refers to yet, then the wishes for apps, then
 * their allocations. A daemon that dies in between leaves the old state, or wishes that the next one fulfils.
 */
export function enact({ specs, changes, source: from }: Application, context: EnactContext): string[] {
  const { snapshot, mirror, edit, at } = context;
  const open: string[] = [];
  const changed = specs.flatMap((spec, position) => {
    const change = changes[position];
    return change === undefined ? [] : [{ spec, change, record: snapshot.record(spec.name) }];
  });
  for (const { spec, change, record } of changed) {
    const { name } = spec;
    const { revision } = change;
    // Another number of instances is no other program, and neither is another try.
    if (change.change !== "created" && change.change !== "updated") continue;
    const restarts = mirror.revisions.get(name)?.get(record?.revision ?? 0)?.record.restarts ?? 0;
    edit.put({ kind: "revision", app: name, revision }, { spec, restarts });
  }
  for (const { app, change } of changes) {
    const record = snapshot.record(app);
    if (change === "removed" && record !== undefined)
      edit.put({ kind: "app", app }, { ...record, mode: "removed", updatedAt: at });
    if (change === "removed") open.push(app);
  }
  for (const { spec, change, record } of changed) {
    const app = spec.name;
    const source = from ?? record?.source ?? null;
    if (change.change === "unchanged" && record !== undefined && record.source !== source)
      edit.put({ kind: "app", app }, { ...record, source });
    if (change.change === "unchanged") continue;
    const { instances } = spec;
    edit.put(
      { kind: "app", app },
      { mode: "running", erase: false, instances, revision: change.revision, source, updatedAt: at },
    );
  }
  for (const { spec, change, record } of changed) {
    if (change.change === "unchanged") continue;
    if (change.change === "scaled" || change.change === "retried") tryAnew(spec.name, spec.instances, context);
    if (record === undefined && spec.dependsOn.length === 0) allocateFirst(spec, change.revision, context);
    else open.push(spec.name);
  }
  return open;
}

/** What enacting works with. */
export interface EnactContext {
  readonly snapshot: Snapshot;
  readonly mirror: Mirror;
  readonly edit: Edit;
  /** Unix milliseconds. */
  readonly at: number;
  readonly node: string;
  readonly firstRuns: FirstRuns;
}

/**
 * A new app that waits for nobody gets its allocations at once, and with them the note that their first runs may have been
 * launched: two writes less on the most common way. A run that may happen once only is noted by whoever launches it, who
 * waits for the disk.
 */
function allocateFirst(spec: AppSpec, revision: number, { edit, at, node, firstRuns }: EnactContext): void {
  const { name: app, instances, restart } = spec;
  for (let index = 1; index <= instances; index += 1) {
    // Before the allocation, wherever a large application is divided: who finds that one must find the run, too.
    if (restart.policy !== "never") edit.put({ kind: "run", app, index }, firstRuns.plan({ app, index }, revision, at));
    edit.put({ kind: "alloc", app, index }, { node, revision, wish: { kind: "run" }, tries: 0 });
  }
}

/**
 * Has those instances tried anew that have failed for good; what has completed has done its work. True when there are any.
 * Until the next pass they wait, which finds out whether what they depend on is there.
 */
export function tryAnew(app: string, wanted: number, { snapshot, mirror, edit }: RetryContext): boolean {
  const failed = snapshot.failed(app, wanted);
  for (const index of failed) {
    const allocation = mirror.allocations.get(app)?.get(index)?.record;
    if (allocation === undefined) continue;
    const { tries } = allocation;
    // An update goes on with the one too many only when that has shown that it works: nothing else would start it.
    const wish: Wish = index > wanted ? { kind: "run" } : { kind: "wait", for: "another try" };
    edit.put({ kind: "alloc", app, index }, { ...allocation, wish, tries: tries + 1 });
  }
  return failed.length > 0;
}

/** What another try is noted with. */
export type RetryContext = Pick<EnactContext, "snapshot" | "mirror" | "edit">;

function parseAll(inputs: readonly unknown[]): AppSpec[] {
  const specs: AppSpec[] = [];
  const refusals: ConstellationError[] = [];
  for (const input of inputs) {
    try {
      specs.push(parseApp(input));
    } catch (error) {
      if (!(error instanceof ConstellationError)) throw error;
      refusals.push(error);
    }
  }
  const [first] = refusals;
  if (first !== undefined && refusals.length === 1) throw first;
  if (first !== undefined)
    throw new ConstellationError("spec.invalid", refusals.map(({ message }) => message).join("\n"), {
      remedy: "Correct the specs; nothing was changed.",
      details: { problems: refusals.map(({ details }) => details) },
    });
  const twice = specs.find(({ name }, at) => specs.findIndex((other) => other.name === name) !== at);
  if (twice !== undefined)
    throw new ConstellationError("spec.invalid", `Cannot apply: two of the specs have the name ${twice.name}`, {
      remedy: "Give each app a name of its own; nothing was changed.",
    });
  return specs;
}

function checkName({ name }: AppSpec, snapshot: Snapshot, createOnly: boolean): void {
  const record = snapshot.record(name);
  if (record === undefined) return;
  if (record.mode === "removed")
    throw new ConstellationError("state.conflict", `Cannot apply ${name}: an app of that name is just being removed`, {
      remedy: "Try again when its instances have stopped.",
    });
  if (createOnly)
    throw new ConstellationError("app.exists", `Cannot create ${name}: there is an app of that name`, {
      remedy: "Choose another name, or change the app with `constellation up`.",
    });
}

/** Who depends on nobody, listens nowhere and takes nobody away goes without a look at the others, who may be many. */
function mayClash(specs: readonly AppSpec[], gone: ReadonlySet<string>): boolean {
  return gone.size > 0 || specs.some(({ dependsOn, ports }) => dependsOn.length > 0 || ports.length > 0);
}

function known({ name: app, instances }: AppSpec, snapshot: Snapshot): KnownApp | null {
  const record = snapshot.record(app);
  const spec = snapshot.spec(app);
  if (record === undefined || spec === undefined) return null;
  const failed = snapshot.failed(app, instances).map((index) => instanceName({ app, index }));
  return { spec, revision: record.revision, running: record.mode === "running", failed };
}
