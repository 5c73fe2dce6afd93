import type { ActorRef, ActorSystem } from "@constellation/actors";
import { AskError } from "@constellation/actors";
import {
  apiVersion,
  type ApplyRequest,
  type AppSpec,
  type AppSummary,
  type Change,
  ConstellationError,
  type Event,
  type EventsQuery,
  type Instance,
  type InstanceDetails,
  type InstanceState,
  type LogLine,
  type LogsQuery,
  type NodeInfo,
  type Sample,
  type SamplesQuery,
  type Version,
} from "@constellation/contract";
import { startLayers } from "@constellation/core";
import type { LogStore } from "@constellation/engine";
import { type Driver, instanceName } from "@constellation/instances";
import { actorNameOf, type InstanceMessage, isAlive, type KeeperArgs, type Observations } from "./agent/index.ts";
import type { Artifacts } from "./artifacts/index.ts";
import { execIn, instanceNotFound } from "./exec/index.ts";
import type { ThisNode } from "./node/index.ts";
import { type EventLog, readLogs, type Sampling, whileThere } from "./observe/index.ts";
import type { ArtifactContent, CallOptions, ExecRequest, ExecSession, Platform } from "./platform/index.ts";
import type { PublicPorts } from "./publicports/index.ts";
import { change, notFound, type Scheduler, type SchedulerMessage } from "./scheduler/index.ts";
import type { AllocationRecord, Repository } from "./state/index.ts";
import { until } from "./waiting.ts";
import { version } from "./version.ts";

/** What the platform is made of. */
export interface PlatformParts {
  readonly system: ActorSystem;
  readonly scheduler: Scheduler;
  readonly line: ActorRef<SchedulerMessage>;
  readonly repository: Repository;
  readonly observations: Observations;
  readonly driver: Pick<Driver, "name">;
  readonly ports: PublicPorts;
  readonly artifacts: Pick<Artifacts, "has" | "get" | "put">;
  readonly events: EventLog;
  readonly logs: LogStore;
  readonly sampling: Sampling;
  readonly node: ThisNode;
  readonly startedAt: number;
  readonly stateDirectory: string;
  /** Ends the daemon soon after the caller has its answer. */
  readonly quit: () => void;
}

/** A change may stand in line behind others that wait for the disk. */
const changeTimeoutMs = 60_000;
/** Beyond the grace of the instances, for their end to be noticed and written down. */
const stopMarginMs = 20_000;

/** The running daemon as its API sees it. */
export class DaemonPlatform implements Platform {
  readonly #parts: PlatformParts;
  /** The daemon is about to end and takes its instances along: nothing new may come to life meanwhile. */
  #isEndingAll = false;

  constructor(parts: PlatformParts) {
    this.#parts = parts;
  }

  version(): Version {
    const { startedAt, stateDirectory } = this.#parts;
    return { version, api: apiVersion, node: process.versions.node, pid: process.pid, startedAt, stateDirectory };
  }

  node(): Promise<NodeInfo> {
    return this.#parts.node.info();
  }

  apply(request: ApplyRequest): Promise<Change[]> {
    return this.#change((scheduler) => scheduler.apply(request));
  }

  async apps(): Promise<AppSummary[]> {
    const names = [...this.#parts.repository.mirror.apps.keys()].sort();
    return names.flatMap((name) => this.#summary(name) ?? []);
  }

  async app(name: string): Promise<AppSummary & { readonly spec: AppSpec }> {
    const summary = this.#summary(name);
    const spec = this.#parts.scheduler.snapshot.spec(name);
    if (summary === undefined || spec === undefined) throw notFound(name);
    return { ...summary, spec };
  }

  async removeApp(name: string, { erase = false }: { readonly erase?: boolean } = {}): Promise<void> {
    const timeoutMs = this.#stopTimeoutMs(name);
    await this.#change((scheduler) => scheduler.remove(name, erase));
    const { mirror } = this.#parts.repository;
    await this.#until(() => !mirror.apps.has(name), timeoutMs, `${name} is not removed yet; the work goes on`);
  }

  async stopApp(name: string): Promise<void> {
    const timeoutMs = this.#stopTimeoutMs(name);
    await this.#change((scheduler) => scheduler.stop(name));
    const { snapshot } = this.#parts.scheduler;
    const check = (): boolean => !snapshot.isAlive(name) || snapshot.record(name)?.mode !== "stopped";
    await this.#until(check, timeoutMs, `${name} has not stopped yet; the work goes on`);
  }

  startApp(name: string): Promise<void> {
    return this.#change((scheduler) => scheduler.start(name));
  }

  restartApp(name: string): Promise<void> {
    return this.#change((scheduler) => scheduler.restart(name));
  }

  scaleApp(name: string, instances: number): Promise<void> {
    return this.#change((scheduler) => scheduler.scale(name, instances));
  }

  async instances(app?: string): Promise<Instance[]> {
    if (app !== undefined && !this.#parts.repository.mirror.apps.has(app)) throw notFound(app);
    const { mirror } = this.#parts.repository;
    const allocated = [...mirror.allocations].filter(([name]) => app === undefined || name === app);
    return (
      allocated
        .flatMap(([name, rows]) => [...rows].map(([index, { record }]) => this.#instance(name, index, record)))
        // Not by locale: names are ASCII, and the rules of languages are 3 MB that nothing else here needs.
        .sort((a, b) => (a.app === b.app ? a.index - b.index : a.app < b.app ? -1 : 1))
    );
  }

  async instance(name: string): Promise<InstanceDetails> {
    const observed = this.#parts.observations.get(name);
    if (observed === undefined) throw instanceNotFound(name);
    const { run, history } = observed;
    const facts = run?.handle.facts;
    const processes = run === null ? [] : (await run.handle.inspect()).processes;
    const { app, index, revision } = observed;
    return {
      ...this.#instance(app, index, { revision: revision ?? 0, wish: { kind: "run" }, tries: observed.tries }),
      runId: facts?.runId ?? null,
      begunAt: observed.begunAt,
      start: facts?.start ?? null,
      measures: [...(facts?.measures ?? [])],
      processes,
      environment: { ...facts?.environment },
      ports: (run?.ports ?? []).map((port) => ({ name: port.name, url: port.url, mode: port.mode })),
      logFile: facts?.logFile ?? null,
      dataFolder: facts?.dataFolder ?? null,
      history: [...history],
    };
  }

  async plan(name: string): Promise<string> {
    const observed = this.#parts.observations.get(name);
    if (observed === undefined) throw instanceNotFound(name);
    if (observed.run !== null) return observed.run.handle.plan();
    throw new ConstellationError("instance.not-running", `${name} has no launch plan: it is ${observed.state.status}`, {
      remedy: "Start it first.",
    });
  }

  exec(name: string, request: ExecRequest, options: CallOptions): Promise<ExecSession> {
    return execIn(this.#parts.observations, name, request, options);
  }

  logs(query: LogsQuery, { signal }: CallOptions): AsyncIterable<LogLine> {
    this.#checkNames(query);
    const { logs, repository } = this.#parts;
    const app = query.app ?? query.instance?.slice(0, query.instance.lastIndexOf(".")) ?? null;
    return readLogs(logs, query, () => whileThere(query.follow === true ? app : null, repository.mirror, signal));
  }

  events(query: EventsQuery, { signal }: CallOptions): AsyncIterable<Event> {
    return this.#parts.events.read(query, signal);
  }

  samples(query: SamplesQuery, { signal }: CallOptions): AsyncIterable<readonly Sample[]> {
    this.#checkNames(query);
    const { sampling, repository } = this.#parts;
    return sampling.stream(query, () => whileThere(query.app ?? null, repository.mirror, signal));
  }

  hasArtifact(sha256: string): Promise<boolean> {
    return this.#parts.artifacts.has(sha256);
  }

  artifact(sha256: string): Promise<ArtifactContent> {
    return this.#parts.artifacts.get(sha256);
  }

  putArtifact(sha256: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    return this.#parts.artifacts.put(sha256, bytes);
  }

  async stopDaemon({ instances }: { readonly instances?: boolean | undefined }): Promise<void> {
    this.#parts.events.append({ type: "daemon.stopping" });
    if (instances === true) await this.#endAll();
    this.#parts.quit();
  }

  /** Ends every instance in the reverse order of dependencies; what is wanted of them stays as it is. */
  async #endAll(): Promise<void> {
    const { line, observations, ports, repository, scheduler, system } = this.#parts;
    this.#isEndingAll = true;
    // What stands in the line already is done before; a line that does not move holds the end up no longer than that.
    await change(line, () => Promise.resolve(), stopMarginMs).catch(() => undefined);
    const layers = startLayers(scheduler.snapshot.specs()).toReversed();
    const known = new Set(layers.flat());
    const others = [...new Set(observations.list().map(({ app }) => app))].filter((app) => !known.has(app));
    const told = new Set<string>();
    const tell = (instance: KeeperArgs, type: "end" | "go-on"): void =>
      void system.named<InstanceMessage>(actorNameOf(instance)).send({ type });
    try {
      for (const layer of [others, ...layers]) {
        // Also those that a change or an update under way has just brought.
        const gone = (): boolean => {
          const allocated = layer.flatMap((app) =>
            [...(repository.mirror.allocations.get(app)?.keys() ?? [])].map((index) => ({ app, index })),
          );
          if (allocated.some(({ app, index }) => observations.at(app, index) === undefined)) return false;
          const ours = layer.flatMap((app) => observations.list(app));
          for (const instance of ours.filter((one) => !told.has(instanceName(one)))) {
            told.add(instanceName(instance));
            tell(instance, "end");
          }
          return !ours.some(({ state }) => isAlive(state));
        };
        const timeoutMs = Math.max(0, ...layer.map((app) => this.#stopTimeoutMs(app)));
        await this.#until(gone, timeoutMs, `not all instances of ${layer.join(", ")} have ended`);
        await ports.retire(layer);
      }
    } catch (error) {
      this.#isEndingAll = false;
      await ports.reopen();
      for (const instance of observations.list()) tell(instance, "go-on");
      throw error;
    }
  }

  /** An allocation as users see it; one that its node has not taken up yet, or not for another try, is just starting. */
  #instance(
    app: string,
    index: number,
    { revision, wish, tries }: Pick<AllocationRecord, "revision" | "wish" | "tries">,
  ): Instance {
    const observed = this.#parts.observations.at(app, index);
    const isBefore = observed?.state.status === "failed" && observed.tries !== tries;
    const since = observed?.state.since ?? this.#parts.startedAt;
    const unseen: InstanceState =
      wish.kind === "wait" ? { status: "waiting", since, for: wish.for } : { status: "starting", since };
    return {
      name: instanceName({ app, index }),
      app,
      index,
      revision: observed?.revision ?? revision,
      driver: observed?.driver ?? this.#parts.driver.name,
      state: isBefore ? unseen : (observed?.state ?? unseen),
      restarts: observed?.restarts ?? 0,
    };
  }

  #summary(name: string): AppSummary | undefined {
    const summary = this.#parts.scheduler.summary(name);
    return summary && { ...summary, urls: this.#parts.ports.urlsOf(name) };
  }

  /** The longest way down: its own grace and that of everything that goes first. */
  #stopTimeoutMs(name: string): number {
    const { snapshot } = this.#parts.scheduler;
    const graces = snapshot.specs().map(({ stop }) => stop.graceMs);
    return (snapshot.spec(name)?.stop.graceMs ?? 0) + graces.reduce((sum, grace) => sum + grace, 0) + stopMarginMs;
  }

  #until(check: () => boolean, timeoutMs: number, late: string): Promise<void> {
    const { observations, repository } = this.#parts;
    return until(
      check,
      [(look) => observations.onChange(look), (look) => repository.mirror.onChange(look)],
      timeoutMs,
      () => late,
    );
  }

  #checkNames({ app, instance }: { readonly app?: string | undefined; readonly instance?: string | undefined }): void {
    if (instance !== undefined && this.#parts.observations.get(instance) === undefined)
      throw instanceNotFound(instance);
    if (app !== undefined && !this.#parts.repository.mirror.apps.has(app)) throw notFound(app);
  }

  async #change<T>(run: (scheduler: Scheduler) => Promise<T>): Promise<T> {
    if (this.#isEndingAll)
      throw new ConstellationError(
        "daemon.busy",
        "The change was not taken: the daemon is ending, with its instances",
        {
          remedy: "Try again when it has ended; the next daemon starts what is wanted.",
        },
      );
    try {
      const done = await change(this.#parts.line, run, changeTimeoutMs);
      // An answer wakes its caller up, on the processor that what it has begun needs just now.
      await this.#parts.events.told();
      return done;
    } catch (error) {
      if (!(error instanceof AskError)) throw error;
      const code = error.code === "timeout" ? "call.timeout" : "daemon.busy";
      throw new ConstellationError(code, `The change was not taken: ${error.message}`, {
        remedy: "Look what became of it with `constellation ps`, and try again.",
        cause: error,
      });
    }
  }
}
