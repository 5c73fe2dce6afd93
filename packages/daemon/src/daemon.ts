import {
  actor,
  ActorSystem,
  child,
  defaultHost,
  DynamicSupervisor,
  supervise,
  supervisor,
} from "@constellation/actors";
import type { Event } from "@constellation/contract";
import type { LogStore, StateStore, Telemetry } from "@constellation/engine";
import type { Clock, Driver } from "@constellation/instances";
import type { WaitingPort } from "@constellation/instances/ports";
import {
  actorNameOf,
  agentActor,
  type AgentMessage,
  type AgentParts,
  FirstRuns,
  instanceActor,
  type InstanceMessage,
  type KeeperArgs,
  Observations,
} from "./agent/index.ts";
import type { Artifacts } from "./artifacts/index.ts";
import { ThisNode } from "./node/index.ts";
import { type EventArchive, EventLog, janitorActor, recorderActor, Sampling } from "./observe/index.ts";
import type { Platform } from "./platform/index.ts";
import { DaemonPlatform } from "./platform.ts";
import { PublicPorts, publicPortsActor } from "./publicports/index.ts";
import { Scheduler, schedulerActor, type SchedulerMessage } from "./scheduler/index.ts";
import { Repository } from "./state/index.ts";
import { version } from "./version.ts";

/** Everything that a daemon is given. */
export interface DaemonOptions {
  readonly store: StateStore;
  readonly logs: LogStore;
  readonly telemetry: Pick<Telemetry, "sample">;
  readonly archive: EventArchive;
  /** The last event that the archive has. */
  readonly newestEvent: Event | undefined;
  readonly artifacts: Pick<Artifacts, "has" | "get" | "put" | "file" | "collect">;
  readonly driver: Driver;
  readonly portsFolder: string;
  /** A port process that waits for the next public port; ended with the daemon. @default null */
  readonly waitingPort?: WaitingPort | null;
  readonly dataFolder: string;
  readonly stateDirectory: string;
  readonly clock: Clock;
  readonly random: () => number;
  /** Identity of the machine's boot. */
  readonly bootId: () => string;
  /** Takes what went wrong to the daemon's log. */
  readonly report: (text: string, error: unknown) => void;
  /** Called whenever something has happened. @default nobody is told */
  readonly worked?: () => void;
  /** Called when somebody has asked the daemon to end. */
  readonly quit: () => void;
  /** Called when the tree has ended although nobody stopped it: a part crashed faster than it could be started again. */
  readonly lost: (reason: unknown) => void;
}

/** A running daemon. */
export interface Daemon {
  readonly platform: Platform;
  readonly events: EventLog;
  readonly system: ActorSystem;
  /** Lets go of everything: instances, logs and ports go on. */
  stop(): Promise<void>;
}

/** Name of the only node there is until there are more. */
const node = "local";
const stopTimeoutMs = 8000;

/**
 * Builds the daemon's supervision tree: state, instances, agent, public ports and scheduler. A crash restarts the part that crashed;
 * whatever it held in memory it finds again in the state and with the driver.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { clock, report, worked } = options;
  const startedAt = clock.nowMs();
  const life = new AbortController();
  const repository = new Repository(options.store);
  await repository.mirror.load(life.signal);
  const { archive, newestEvent } = options;
  const events = new EventLog({ archive, newest: newestEvent, nowMs: () => clock.nowMs(), report });
  const observations = new Observations();
  const thisNode = new ThisNode(options.driver, options.dataFolder);
  const system = new ActorSystem({
    name: "daemon",
    stopTimeoutMs,
    // Instances come and go; a message to one that has just gone is nothing to tell.
    logDeadLetters: false,
    host: { ...defaultHost(), log: (level, text, detail) => level !== "info" && report(text, detail) },
  });
  const recycle = (app: string): void => {
    for (const instance of observations.list(app))
      system.named<InstanceMessage>(actorNameOf(instance)).send({ type: "recycle" });
  };
  const { mirror } = repository;
  const { portsFolder: folder, waitingPort: waiting = null } = options;
  const ports = new PublicPorts({ folder, mirror, observations, waiting, report, recycle });
  const parts: AgentParts = {
    ...options,
    repository,
    observations,
    firstRuns: new FirstRuns(options.random),
    ports,
    emit: (event) => {
      events.append(event);
      worked?.();
    },
    node,
  };
  const scheduler = new Scheduler({
    ...parts,
    artifacts: options.artifacts,
    ports,
    erase: async (app) => {
      const hadData = await options.driver.forget(app);
      const instances = (await options.logs.instances()).filter((name) => name.startsWith(`${app}.`));
      for (const instance of instances) await options.logs.remove(instance);
      return hadData || instances.length > 0;
    },
    tidy: (app) => options.driver.forgetUnwritten(app),
    capacity: () => thisNode.capacity(),
    feasible: (spec) => options.driver.check(spec),
    nowMs: () => clock.nowMs(),
  });
  const instances = supervisor({
    kind: "instances",
    strategy: "simple_one_for_one",
    // One instance whose keeper crashes again and again must not take the others down.
    intensity: { restarts: 1000, periodMs: 10_000 },
    child: {
      start: instanceActor(parts, (again) =>
        system.named<AgentMessage>("agent").send({ type: "changed", allocations: [again] }),
      ),
      restart: "transient",
      shutdown: stopTimeoutMs,
      backoff: { initialMs: 10, maxMs: 5000 },
    },
  });
  const startInstance = async (args: KeeperArgs): Promise<void> => {
    const ref = system.registry.whereIs("instances");
    if (ref === undefined) throw new Error("the supervisor of the instances is not there");
    await new DynamicSupervisor<InstanceMessage, KeeperArgs>(ref).startChild(args);
  };
  // Once: an agent that was started again has adopted, too, but the daemon has not started.
  let announced = false;
  const announce = (adopted: number): void => {
    if (!announced) events.append({ type: "daemon.started", version, pid: process.pid, adopted });
    announced = true;
  };
  const root = supervisor({
    kind: "daemon",
    strategy: "one_for_one",
    intensity: { restarts: 20, periodMs: 10_000 },
    children: [
      // A store that is away for a while is waited for.
      child({ id: "state", start: stateActor(repository, life.signal), backoff: { initialMs: 10, maxMs: 1000 } }),
      child({ id: "instances", name: "instances", start: instances }),
      child({ id: "public-ports", start: publicPortsActor(ports, repository.mirror, observations, report) }),
      child({ id: "agent", name: "agent", start: agentActor(parts, startInstance, announce) }),
      child({
        id: "scheduler",
        name: "scheduler",
        start: schedulerActor(() => scheduler, repository, observations, report),
        mailbox: { capacity: 1000 },
      }),
      child({
        id: "recorder",
        start: recorderActor({
          observations,
          telemetry: options.telemetry,
          emit: parts.emit,
          nowMs: () => clock.nowMs(),
        }),
      }),
      child({
        id: "janitor",
        start: janitorActor(repository.mirror, options.logs, options.artifacts, () => clock.nowMs(), report),
      }),
    ],
  });
  const { ref } = await supervise(system, root);
  const unwatch = system.watch(ref, options.lost);
  const platform = new DaemonPlatform({
    ...options,
    system,
    scheduler,
    line: system.named<SchedulerMessage>("scheduler"),
    repository,
    observations,
    ports,
    events,
    sampling: new Sampling(observations, () => clock.nowMs()),
    node: thisNode,
    startedAt,
  });
  return {
    platform,
    events,
    system,
    stop: async () => {
      unwatch();
      await system.shutdown(stopTimeoutMs);
      await ports.detach();
      life.abort();
      await events.flush();
    },
  };
}

/** Keeps the mirror in step with the store; when that breaks, its replacement goes on where the mirror stands. */
function stateActor({ mirror }: Repository, life: AbortSignal) {
  return actor<Error, { readonly stop: AbortController }>({
    kind: "state",
    onStart: (_, { self }) => {
      const stop = new AbortController();
      const signal = AbortSignal.any([stop.signal, life]);
      mirror.follow(signal).then(
        () => undefined,
        (error: unknown) => self.send(error instanceof Error ? error : new Error(String(error))),
      );
      return { stop };
    },
    receive: (_, error) => {
      throw error;
    },
    onStop: ({ stop }) => stop.abort(),
  });
}
