import {
  type AppInput,
  type ApplyResponse,
  type AppSpec,
  type AppSummary,
  type Change,
  ConstellationError,
  type Event,
  type Instance,
  type InstanceDetails,
  type LogLine,
  type NodeInfo,
  type Places,
  type RouteName,
  type Sample,
  type Version,
} from "@constellation/contract";
import type { ProgressSource, Snapshot } from "./apps/progress.ts";
import type { Artifact } from "./bundle/bundle.ts";
import type { Exec, ExecOptions } from "./client/exec.ts";
import { readJsonLines } from "./client/json-lines.ts";
import { type CallInput, readBytes, readJson, readText } from "./client/transport.ts";
import { Connection } from "./daemon/connection.ts";
import { givenDuration, givenInterval } from "./duration.ts";

/** How the SDK finds its daemon. */
export interface InitOptions extends CallOptions {
  /** Folder of the daemon's state and socket. @default `$CONSTELLATION_HOME`, else the place of this user's daemon */
  readonly home?: string | undefined;
  /** Start a daemon in the background when none answers. @default true */
  readonly start?: boolean | undefined;
  /**
   * What a daemon that is started may do to this machine's network: `prepare` switches forwarding on and translates addresses,
   * so that private networks reach the world; needs root. @default `$CONSTELLATION_NETWORK`, else "as-is": change nothing
   */
  readonly network?: "prepare" | "as-is" | undefined;
  /** Time the daemon may take to start. @default "15s" */
  readonly timeout?: string | undefined;
}

/** What every call takes. */
export interface CallOptions {
  /** Cancels the call: it throws `call.cancelled`; a stream ends. */
  readonly signal?: AbortSignal | undefined;
}

/** How to bring specs to the daemon. */
export interface ApplyOptions extends CallOptions {
  /** Folder that relative paths of the specs start from. @default the working folder */
  readonly folder?: string | undefined;
  /** Only say what would change. @default false */
  readonly dryRun?: boolean | undefined;
  /**
   * File that the specs come from: apps that came from it before and are not among them now are orphans, and among the
   * changes. @default none
   */
  readonly source?: string | undefined;
  /** Remove orphans instead of naming them; their data and logs stay. @default false */
  readonly prune?: boolean | undefined;
  /** Told the files that went into scripts, absolute, before anything is changed; watch these. */
  readonly onBundled?: ((files: readonly string[]) => void) | undefined;
}

/** How long to wait. */
export interface HealthyOptions extends CallOptions {
  /** @default "60s" */
  readonly timeout?: string | undefined;
  /** Sees every change on the way. */
  readonly onProgress?: ((snapshot: Snapshot) => void) | undefined;
}

/** Which lines of the logs. */
export interface LogOptions extends CallOptions {
  readonly instance?: string | undefined;
  /** A time, or how long ago: `"5m"`. */
  readonly since?: Date | string | undefined;
  /** Only the last so many lines. */
  readonly tail?: number | undefined;
  /** Go on with lines to come. @default false */
  readonly follow?: boolean | undefined;
  readonly stream?: "stdout" | "stderr" | undefined;
  /**
   * Name places in scripts by their sources, relative to the app's folder (`src/web.ts:12:3`), instead of by the bundle
   * that runs. @default false
   */
  readonly sources?: boolean | undefined;
}

/** Which events. */
export interface EventOptions extends CallOptions {
  readonly app?: string | undefined;
  /** Only events with a greater number. */
  readonly after?: number | undefined;
  readonly tail?: number | undefined;
  /** @default false */
  readonly follow?: boolean | undefined;
}

/** How to measure. */
export interface MonitorOptions extends CallOptions {
  /** From 100 ms to an hour. @default "1s" */
  readonly interval?: string | undefined;
  /** Go on until the loop is left. @default true */
  readonly follow?: boolean | undefined;
}

// What only some calls need is imported by them: the time a command takes to start counts.

/**
 * A typed client of one daemon, which is started when it is first needed.
 *
 * @example
 * await constellation.create({ name: "hello", script: "./hello.ts" });
 * await constellation.waitHealthy("hello");
 * for await (const sample of constellation.monitor("hello")) console.log(sample.instance, sample.cpuPercent);
 */
export class Constellation {
  #connection = new Connection();

  /** Places of the daemon this client talks to. */
  get places(): Places {
    return this.#connection.places;
  }

  /**
   * Chooses the daemon and starts it when none answers. Without it the first call does so with the defaults. A daemon that
   * goes away later is started again by the next call.
   *
   * @throws ConstellationError `daemon.start-failed`
   */
  async init({ home, start = true, network, timeout = "15s", signal }: InitOptions = {}): Promise<this> {
    const timeoutMs = givenDuration("timeout", timeout);
    this.#connection = new Connection({ home, start, network, timeoutMs });
    // What cannot be a place is told at once.
    void this.places;
    await this.#connection.open(signal);
    return this;
  }

  /** Makes specs the desired state: what differs is started, changed or scaled; nothing else is touched. */
  async apply(apps: AppInput | readonly AppInput[], options: ApplyOptions = {}): Promise<readonly Change[]> {
    return this.#apply(isList(apps) ? apps : [apps], options, false);
  }

  /** Creates one app. @throws ConstellationError `app.exists` */
  async create(app: AppInput, options: ApplyOptions = {}): Promise<readonly Change[]> {
    return this.#apply([app], options, true);
  }

  /**
   * Waits until apps are healthy, or have completed.
   *
   * @throws ConstellationError `app.not-found`, also when one is removed meanwhile, `app.unhealthy`, `call.timeout`
   */
  async waitHealthy(apps: string | readonly string[], options: HealthyOptions = {}): Promise<readonly AppSummary[]> {
    const { timeout = "60s", signal, onProgress } = options;
    const source: ProgressSource = {
      snapshot: (until) => this.snapshot({ signal: until }),
      events: (until) => this.events({ follow: true, tail: 0, signal: until }),
      probed: async (app, until) => {
        const { health } = (await this.app(app, { signal: until })).spec;
        return health.startup !== null || health.readiness !== null;
      },
    };
    const { waitHealthy } = await import("./apps/wait-healthy.ts");
    return waitHealthy(source, isList(apps) ? apps : [apps], {
      timeoutMs: givenDuration("timeout", timeout),
      signal,
      onProgress,
    });
  }

  /** All apps. */
  async apps(options: CallOptions = {}): Promise<readonly AppSummary[]> {
    return (await this.#json<{ apps: AppSummary[] }>("apps", options)).apps;
  }

  /** One app with its spec. @throws ConstellationError `app.not-found` */
  app(name: string, { signal }: CallOptions = {}): Promise<AppSummary & { readonly spec: AppSpec }> {
    return this.#json("app", { params: { app: name }, signal });
  }

  /** All instances, or those of one app. */
  async instances(app?: string, { signal }: CallOptions = {}): Promise<readonly Instance[]> {
    return (await this.#json<{ instances: Instance[] }>("instances", { query: { app }, signal })).instances;
  }

  /** Everything known of one instance. @throws ConstellationError `instance.not-found` */
  instance(name: string, { signal }: CallOptions = {}): Promise<InstanceDetails> {
    return this.#json("instance", { params: { instance: name }, signal });
  }

  /** The launch plan of an instance, printed. */
  async plan(instance: string, { signal }: CallOptions = {}): Promise<string> {
    return readText(await this.#connection.call("plan", { params: { instance }, signal }), signal);
  }

  /** Apps and instances together. */
  async snapshot({ signal }: CallOptions = {}): Promise<Snapshot> {
    const [apps, instances] = await Promise.all([this.apps({ signal }), this.instances(undefined, { signal })]);
    return { apps, instances };
  }

  /** Stops all instances of an app and keeps its spec. */
  stop(app: string, { signal }: CallOptions = {}): Promise<void> {
    return this.#done("stopApp", { params: { app }, signal });
  }

  /** Starts a stopped app. */
  start(app: string, { signal }: CallOptions = {}): Promise<void> {
    return this.#done("startApp", { params: { app }, signal });
  }

  /** Replaces all instances, one after the other. */
  restart(app: string, { signal }: CallOptions = {}): Promise<void> {
    return this.#done("restartApp", { params: { app }, signal });
  }

  /** Changes the number of instances. */
  scale(app: string, instances: number, { signal }: CallOptions = {}): Promise<void> {
    return this.#done("scaleApp", { params: { app }, body: { instances }, signal });
  }

  /**
   * Stops an app and forgets it. Its data folders and logs stay, and are there again for an app of the same name, unless
   * `erase` is true; that also erases what is left of an app that was removed before.
   */
  remove(
    app: string,
    { erase = false, signal }: CallOptions & { readonly erase?: boolean | undefined } = {},
  ): Promise<void> {
    return this.#done("removeApp", { params: { app }, query: { erase }, signal });
  }

  /** Measurements of every instance, or of those of one app, one after the other. */
  monitor(app?: string, { interval = "1s", follow = true, signal }: MonitorOptions = {}): AsyncGenerator<Sample> {
    return this.#stream("samples", { query: { app, intervalMs: givenInterval("interval", interval), follow }, signal });
  }

  /** Lines of stdout and stderr of every app, or of one. */
  logs(app?: string, { since, sources, signal, ...query }: LogOptions = {}): AsyncGenerator<LogLine> {
    const lines = this.#stream<LogLine>("logs", { query: { app, ...query, since: toUnixMs(since) }, signal });
    return sources === true ? this.#withSources(lines, signal) : lines;
  }

  /** What happened. */
  events({ signal, ...query }: EventOptions = {}): AsyncGenerator<Event> {
    return this.#stream("events", { query: { ...query }, signal });
  }

  /** Runs a program inside an instance. */
  async exec(instance: string, argv: readonly string[], options: ExecOptions = {}): Promise<Exec> {
    const { exec } = await import("./client/exec.ts");
    return this.#connection.reach(options.signal, () => exec(this.places.socketPath, instance, argv, options));
  }

  /** Version of the daemon. */
  version(options: CallOptions = {}): Promise<Version> {
    return this.#json("version", options);
  }

  /** What the machine offers. */
  node(options: CallOptions = {}): Promise<NodeInfo> {
    return this.#json("node", options);
  }

  /** The OpenAPI document of the daemon. */
  openapi(options: CallOptions = {}): Promise<Record<string, unknown>> {
    return this.#json("openapi", options);
  }

  /** Ends the daemon; instances go on unless `instances` is true. */
  async stopDaemon({
    instances = false,
    signal,
  }: CallOptions & { readonly instances?: boolean | undefined } = {}): Promise<void> {
    await this.#done("stopDaemon", { body: { instances }, signal });
    this.#connection.close();
  }

  async #apply(
    apps: readonly AppInput[],
    { folder = process.cwd(), dryRun = false, source, prune, onBundled, signal }: ApplyOptions,
    createOnly: boolean,
  ): Promise<readonly Change[]> {
    const { prepareApps } = await import("./apps/prepare.ts");
    const [{ specs, artifacts }] = await Promise.all([prepareApps(apps, folder), this.#connection.open(signal)]);
    onBundled?.(artifacts.flatMap(({ inputs }) => inputs));
    await Promise.all(artifacts.map((artifact) => this.#store(artifact, signal)));
    const body = { apps: specs, dryRun, createOnly, source, prune };
    return (await this.#json<ApplyResponse>("apply", { body, signal })).changes;
  }

  async #store({ sha256, bytes }: Artifact, signal: AbortSignal | undefined): Promise<void> {
    const params = { sha256 };
    try {
      (await this.#connection.call("hasArtifact", { params, signal })).resume();
    } catch (error) {
      if (!(error instanceof ConstellationError) || error.code !== "artifact.not-found") throw error;
      await this.#done("putArtifact", { params, body: bytes, signal });
    }
  }

  async *#withSources(lines: AsyncIterable<LogLine>, signal: AbortSignal | undefined): AsyncGenerator<LogLine> {
    const { NamedPlaces } = await import("./sources/named-places.ts");
    const places = new NamedPlaces((sha256) => this.#artifact(sha256, signal));
    try {
      for await (const line of lines) yield { ...line, text: await places.in(line.text) };
    } catch (error) {
      if (signal?.aborted !== true) throw error;
    }
  }

  /** Null when it is not there any more, or too large to be looked at. */
  async #artifact(sha256: string, signal: AbortSignal | undefined): Promise<Uint8Array | null> {
    try {
      const response = await this.#connection.call("artifact", { params: { sha256 }, signal });
      if (Number(response.headers["content-length"]) <= mostMappedBytes) return await readBytes(response, signal);
      response.destroy();
      return null;
    } catch (error) {
      if (error instanceof ConstellationError && error.code === "artifact.not-found") return null;
      throw error;
    }
  }

  async #json<T>(name: RouteName, input: CallInput): Promise<T> {
    return readJson<T>(await this.#connection.call(name, input), input.signal);
  }

  async #done(name: RouteName, input: CallInput): Promise<void> {
    await this.#json<unknown>(name, input);
  }

  async *#stream<T>(name: RouteName, input: CallInput): AsyncGenerator<T, void, undefined> {
    if (input.signal?.aborted === true) return;
    try {
      yield* readJsonLines<T>(await this.#connection.call(name, input), input.signal);
    } catch (error) {
      if (!(error instanceof ConstellationError) || error.code !== "call.cancelled") throw error;
    }
  }
}

/** The source map of a larger bundle takes hundreds of megabytes to read. */
const mostMappedBytes = 64_000_000;

const isList = <T>(value: T | readonly T[]): value is readonly T[] => Array.isArray(value);

function toUnixMs(since: Date | string | undefined): number | undefined {
  if (since === undefined) return undefined;
  // What is longer ago than times can say is everything.
  return since instanceof Date ? since.getTime() : Math.max(0, Date.now() - givenDuration("since", since));
}

/** The client of this user's daemon. */
export const constellation = /* @__PURE__ */ new Constellation();
