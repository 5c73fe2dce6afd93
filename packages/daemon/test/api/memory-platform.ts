import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type ApplyRequest,
  type AppSpec,
  type AppSummary,
  type Change,
  ConstellationError,
  type Event,
  type EventBody,
  type EventsQuery,
  type Instance,
  type InstanceDetails,
  type InstanceState,
  type LogLine,
  type LogsQuery,
  type NodeInfo,
  parseApp,
  type Sample,
  type SamplesQuery,
  type Version,
  apiVersion,
} from "@constellation/contract";
import { orphansOf } from "@constellation/core";
import type { ArtifactContent, CallOptions, ExecRequest, ExecSession, Platform } from "../../src/platform/index.ts";
import { childSession } from "./child-session.ts";
import { Journal } from "./journal.ts";
import { memorySample } from "./memory-sample.ts";

interface App {
  spec: AppSpec;
  revision: number;
  stopped: boolean;
  updatedAt: number;
  source: string | null;
  instances: Instance[];
}

/**
 * A whole platform in memory: apps and instances change state as real ones do, but nothing runs.
 * An app whose environment sets `FAIL` never starts; its value is the reason.
 */
export class MemoryPlatform implements Platform {
  readonly artifacts = new Map<string, Uint8Array>();
  readonly lines = new Journal<LogLine>();
  readonly happened = new Journal<Event>();
  readonly #apps = new Map<string, App>();
  readonly #startMs: number;
  readonly #stopMs: number;
  readonly #startedAt = Date.now();
  readonly #stopped: () => void;
  /** Streams being read now; a test sees here that a caller who left is not served on. */
  openStreams = 0;

  constructor({
    startMs = 5,
    stopMs = 0,
    stopped = () => undefined,
  }: { startMs?: number; stopMs?: number; stopped?: () => void } = {}) {
    this.#stopMs = stopMs;
    this.#startMs = startMs;
    this.#stopped = stopped;
  }

  version(): Version {
    const { version, pid } = process;
    return {
      version: "0.1.0",
      api: apiVersion,
      node: version,
      pid,
      startedAt: this.#startedAt,
      stateDirectory: "memory",
    };
  }

  async node(): Promise<NodeInfo> {
    return {
      name: "memory",
      platform: "linux x64",
      cpus: 2,
      memoryBytes: 8e9,
      memoryAvailableBytes: 4e9,
      features: [
        { name: "namespaces", state: "available", detail: "all seven", remedy: null },
        { name: "network bandwidth", state: "partial", detail: "no tc", remedy: "Install iproute2." },
        { name: "disk quota", state: "missing", detail: "no loop devices", remedy: "Load the loop module." },
      ],
    };
  }

  async apply({ apps, dryRun = false, createOnly = false, source, prune = false }: ApplyRequest): Promise<Change[]> {
    const specs = apps.map(parseApp);
    for (const { name, run } of specs) {
      if (createOnly && this.#apps.has(name))
        throw new ConstellationError("app.exists", `Cannot create app ${name}: it exists already`, {
          remedy: `Use \`constellation up\` to change it, or \`constellation rm ${name}\` first.`,
        });
      if (run.kind === "script" && (run.artifact === null || !this.artifacts.has(run.artifact)))
        throw new ConstellationError("artifact.not-found", `The artifact of app ${name} is not stored`);
    }
    const planned = specs.map((spec) => ({ spec, change: this.#changeOf(spec) }));
    const known = [...this.#apps.values()].map((app) => ({ name: app.spec.name, source: app.source }));
    const orphans = orphansOf(
      known,
      source,
      specs.map(({ name }) => name),
    ).map((app): Change => ({ app, change: prune ? "removed" : "orphaned", revision: 1, differences: [] }));
    if (!dryRun) for (const { spec, change } of planned) this.#put(spec, change, source ?? null);
    if (!dryRun && prune) for (const { app } of orphans) this.#apps.delete(app);
    return [...planned.map(({ change }) => change), ...orphans];
  }

  #changeOf(spec: AppSpec): Change {
    const before = this.#apps.get(spec.name);
    const [old, wanted] = [before?.spec, spec].map((value) => JSON.stringify({ ...value, instances: 0 }));
    const differences =
      before === undefined || before.spec.instances === spec.instances
        ? []
        : [`instances: ${before.spec.instances} -> ${spec.instances}`];
    if (before === undefined) return { app: spec.name, change: "created", revision: 1, differences };
    if (old !== wanted) return { app: spec.name, change: "updated", revision: before.revision + 1, differences };
    const change = differences.length > 0 ? "scaled" : "unchanged";
    return { app: spec.name, change, revision: before.revision, differences };
  }

  #put(spec: AppSpec, { change, revision }: Change, source: string | null): void {
    const app = this.#apps.get(spec.name) ?? {
      spec,
      revision,
      stopped: false,
      updatedAt: 0,
      source: null,
      instances: [],
    };
    Object.assign(app, { spec, revision, stopped: false, updatedAt: Date.now(), source });
    this.#apps.set(spec.name, app);
    this.#emit({
      type: "app.applied",
      app: spec.name,
      revision,
      change: change === "removed" || change === "orphaned" ? "updated" : change,
    });
    void this.#fill(app);
  }

  async #fill(app: App): Promise<void> {
    const { name, instances: wanted } = app.spec;
    app.instances = app.instances.slice(0, wanted);
    for (let index = app.instances.length + 1; index <= wanted; index += 1)
      app.instances.push({
        name: `${name}.${index}`,
        app: name,
        index,
        revision: app.revision,
        driver: "memory",
        state: { status: "starting", since: Date.now() },
        restarts: 0,
      });
    const fresh = app.instances.filter(({ state }) => state.status !== "running");
    for (const instance of fresh) this.#move(instance, { status: "starting", since: Date.now() });
    await sleep(this.#startMs);
    for (const instance of fresh) {
      if (app.stopped || !app.instances.includes(instance)) continue;
      const reason = app.spec.env["FAIL"];
      const since = Date.now();
      if (reason !== undefined) this.#move(instance, { status: "failed", since, last: null, reason });
      else this.#move(instance, { status: "running", since, pid: process.pid, ready: true, notReady: null });
      this.log(instance.name, "stdout", `${instance.name} listens`);
    }
    if (app.spec.env["FAIL"] === undefined && !app.stopped)
      this.#emit({ type: "app.healthy", app: name, revision: app.revision });
  }

  #move(instance: Instance, state: InstanceState): void {
    instance.state = state;
    this.#emit({ type: "instance.changed", app: instance.app, instance: instance.name, state: { ...state } });
  }

  #emit(body: EventBody): void {
    this.happened.append(Object.assign({}, body, { seq: this.happened.items.length + 1, at: Date.now() }));
  }

  /** Appends a line to the log of an instance. */
  log(instance: string, stream: "stdout" | "stderr", text: string): void {
    const [app = ""] = instance.split(".");
    this.lines.append({ app, instance, time: new Date().toISOString(), stream, text });
  }

  async apps(): Promise<AppSummary[]> {
    return [...this.#apps.values()].map(summary);
  }

  async app(name: string): Promise<AppSummary & { readonly spec: AppSpec }> {
    const app = this.#find(name);
    return { ...summary(app), spec: app.spec };
  }

  async removeApp(name: string): Promise<void> {
    await this.stopApp(name);
    this.#apps.delete(name);
    this.#emit({ type: "app.removed", app: name });
  }

  async stopApp(name: string): Promise<void> {
    const app = this.#find(name);
    app.stopped = true;
    await sleep(this.#stopMs);
    for (const instance of app.instances) this.#move(instance, { status: "stopped", since: Date.now(), last: null });
    this.#emit({ type: "app.stopped", app: name });
  }

  async startApp(name: string): Promise<void> {
    const app = this.#find(name);
    app.stopped = false;
    void this.#fill(app);
  }

  async restartApp(name: string): Promise<void> {
    const app = this.#find(name);
    for (const instance of app.instances) {
      instance.restarts += 1;
      this.#move(instance, { status: "starting", since: Date.now() });
    }
    void this.#fill(app);
  }

  async scaleApp(name: string, instances: number): Promise<void> {
    const app = this.#find(name);
    app.spec = { ...app.spec, instances };
    void this.#fill(app);
  }

  async instances(app?: string): Promise<Instance[]> {
    const apps = app === undefined ? [...this.#apps.values()] : [this.#find(app)];
    return apps.flatMap(({ instances }) => instances);
  }

  async instance(name: string): Promise<InstanceDetails> {
    const instance = this.#findInstance(name);
    const { spec } = this.#find(instance.app);
    return {
      ...instance,
      runId: `${name}-run`,
      start: "cold",
      measures: [{ name: "namespace.pid", state: "on", detail: "own" }, ...withoutRoot(spec)],
      processes: [{ pid: process.pid, parent: 1, command: "node server.js", state: "S", memoryBytes: 1e7 }],
      environment: { ...spec.env },
      ports: spec.ports.map(({ name: port, publicPort }) => ({
        name: port,
        url: `http://127.0.0.1:${publicPort}`,
        mode: "shared",
      })),
      logFile: null,
      dataFolder: null,
      begunAt: 0,
      history: [{ at: Date.now(), text: "started" }],
    };
  }

  async plan(name: string): Promise<string> {
    this.#findInstance(name);
    return "clone newpid newns\nexec /bin/true\n";
  }

  async exec(name: string, request: ExecRequest): Promise<ExecSession> {
    this.#findInstance(name);
    return childSession(request);
  }

  logs(query: LogsQuery, { signal }: CallOptions): AsyncIterable<LogLine> {
    if (query.app !== undefined) this.#find(query.app);
    const matches = (line: LogLine): boolean =>
      (query.app === undefined || line.app === query.app) &&
      (query.instance === undefined || line.instance === query.instance) &&
      (query.stream === undefined || line.stream === query.stream) &&
      Date.parse(line.time) >= (query.since ?? 0);
    return this.#stream(this.lines, matches, query, signal);
  }

  events(query: EventsQuery, { signal }: CallOptions): AsyncIterable<Event> {
    const matches = (event: Event): boolean =>
      (query.app === undefined || ("app" in event && event.app === query.app)) && event.seq > (query.after ?? 0);
    return this.#stream(this.happened, matches, query, signal);
  }

  async *#stream<T>(
    journal: Journal<T>,
    matches: (item: T) => boolean,
    { tail, follow = false }: { tail?: number | undefined; follow?: boolean | undefined },
    signal: AbortSignal,
  ): AsyncGenerator<T> {
    this.openStreams += 1;
    try {
      const past = journal.items.filter(matches);
      const from = journal.items.length;
      yield* tail === undefined ? past : past.slice(Math.max(0, past.length - tail));
      if (!follow) return;
      for await (const item of journal.read(from, true, signal)) if (matches(item)) yield item;
    } finally {
      this.openStreams -= 1;
    }
  }

  async *samples(query: SamplesQuery, { signal }: CallOptions): AsyncGenerator<Sample[]> {
    for (let round = 1; !signal.aborted; round += 1) {
      const running = (await this.instances(query.app)).filter(({ state }) => state.status === "running");
      yield running.map(({ app, name, restarts }) =>
        memorySample(app, name, restarts, round, query.intervalMs ?? 1000),
      );
      if (query.follow !== true) return;
      await sleep(query.intervalMs ?? 1000, undefined, { signal }).catch(() => undefined);
    }
  }

  async hasArtifact(sha256: string): Promise<boolean> {
    return this.artifacts.has(sha256);
  }

  async artifact(sha256: string): Promise<ArtifactContent> {
    const found = this.artifacts.get(sha256);
    if (found === undefined) throw new ConstellationError("artifact.not-found", `There is no artifact ${sha256}`);
    return { sizeBytes: found.byteLength, bytes: Readable.from([found]) };
  }

  async putArtifact(sha256: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of bytes) chunks.push(chunk);
    const whole = Buffer.concat(chunks);
    const found = createHash("sha256").update(whole).digest("hex");
    if (found !== sha256)
      throw new ConstellationError("request.invalid", `The artifact ${sha256} has the SHA-256 ${found}`);
    this.artifacts.set(sha256, whole);
  }

  async stopDaemon(): Promise<void> {
    this.#stopped();
  }

  #find(name: string): App {
    const app = this.#apps.get(name);
    if (app !== undefined) return app;
    throw new ConstellationError("app.not-found", `There is no app ${JSON.stringify(name)}`, {
      remedy: "`constellation ps` lists what there is.",
    });
  }

  #findInstance(name: string): Instance {
    const instance = this.#apps.get(name.split(".")[0] ?? "")?.instances.find((one) => one.name === name);
    if (instance !== undefined) return instance;
    throw new ConstellationError("instance.not-found", `There is no instance ${JSON.stringify(name)}`);
  }
}

function summary({ spec, revision, stopped, instances, updatedAt, source }: App): AppSummary {
  const running = instances.filter(({ state }) => state.status === "running").length;
  const failed = instances.find(({ state }) => state.status === "failed")?.state;
  const status = stopped
    ? "stopped"
    : failed !== undefined
      ? "failed"
      : running === spec.instances
        ? "healthy"
        : "starting";
  return {
    name: spec.name,
    revision,
    wanted: stopped ? 0 : spec.instances,
    running,
    ready: running,
    status,
    detail: failed?.status === "failed" ? failed.reason : null,
    source,
    urls: spec.ports.map(({ publicPort }) => `http://127.0.0.1:${publicPort}`),
    updatedAt,
  };
}

/** As the real one reports it. */
const withoutRoot = ({ isolation }: AppSpec): InstanceDetails["measures"] =>
  isolation.readOnlyRoot === "off" && isolation.mount !== "off"
    ? [
        {
          name: "namespace.mount",
          state: "missing",
          detail: "isolation.readOnlyRoot is off, and a file tree is read-only",
        },
      ]
    : [];
