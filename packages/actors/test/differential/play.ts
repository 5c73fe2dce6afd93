import {
  actor,
  ActorSystem,
  child,
  DynamicSupervisor,
  exit,
  ignore,
  supervise,
  Supervisor,
  supervisor,
  SupervisorSpecError,
  type ActorRef,
  type Behavior,
  type ChildSpec,
  type ExitReason,
  type StartChildOutcome,
  type SupervisorBehavior,
} from "@constellation/actors";
import { ManualHost } from "@constellation/actors/testkit";
import type { EndReason, ListTree, Scenario, Step, Tree, Worker } from "./scenario.ts";

interface WorkerArgs {
  readonly id: string;
  readonly stubborn: boolean;
}

const hourMs = 3_600_000;

/** Plays a scenario on our supervisors; the lines are those that the oracle writes. */
export async function play(scenario: Scenario, isAsync: (id: string) => boolean): Promise<string[]> {
  const stage = new Stage(scenario.tree, isAsync);
  const lines: string[] = [];
  for (const step of scenario.steps) lines.push(await stage.perform(step));
  await stage.close();
  return lines;
}

class Stage {
  readonly #host = new ManualHost();
  readonly #system = new ActorSystem({ host: this.#host, logReports: false, logDeadLetters: false });
  readonly #tree: Tree;
  readonly #isAsync: (id: string) => boolean;
  readonly #plans = new Map<string, { outcome: "fail" | "ignore"; times: number }>();
  readonly #trees = new Map<string, Tree>();
  #events: string[] = [];
  #rootEnd: ExitReason | null = null;

  constructor(tree: Tree, isAsync: (id: string) => boolean) {
    this.#tree = tree;
    this.#isAsync = isAsync;
  }

  async perform(step: Step): Promise<string> {
    const result = await this.#perform(step);
    await this.#rest();
    const events = this.#events.join(";");
    this.#events = [];
    return `${result}|${events}|${await this.#snapshot()}`;
  }

  async close(): Promise<void> {
    const closing = this.#system.shutdown(Infinity);
    await this.#rest();
    await closing;
    if (this.#system.size !== 0 || this.#host.pendingTimers !== 0)
      throw new Error(`Left behind: ${this.#system.size} actors, ${this.#host.pendingTimers} timers`);
  }

  async #perform(step: Step): Promise<string> {
    switch (step.kind) {
      case "begin":
        return this.#begin();
      case "plan":
        this.#plans.set(step.id, { outcome: step.outcome, times: step.times });
        return "planned";
      case "exit": {
        const ref = this.#system.registry.whereIs<EndReason>(step.id);
        ref?.send(step.reason);
        return ref === undefined ? "nobody" : "sent";
      }
      case "kill": {
        const ref = this.#system.registry.whereIs(step.id);
        if (ref !== undefined) this.#system.kill(ref);
        return ref === undefined ? "nobody" : "sent";
      }
      case "start":
        return this.#call(step.supervisor, (tree) => (tree as Supervisor).startChild(this.#workerSpec(step.worker)));
      case "start-dynamic":
        return this.#call(step.supervisor, (tree) =>
          (tree as DynamicSupervisor<EndReason, WorkerArgs>).startChild({ id: step.id, stubborn: step.stubborn }),
        );
      case "terminate-dynamic": {
        const ref = this.#system.registry.whereIs(step.id);
        if (ref === undefined) return "nobody";
        return this.#call(step.supervisor, (tree) =>
          (tree as DynamicSupervisor<EndReason, WorkerArgs>).terminateChild(ref),
        );
      }
      case "terminate":
        return this.#call(step.supervisor, (tree) => (tree as Supervisor).terminateChild(step.id));
      case "restart":
        return this.#call(step.supervisor, (tree) => (tree as Supervisor).restartChild(step.id));
      case "delete":
        return this.#call(step.supervisor, (tree) => (tree as Supervisor).deleteChild(step.id));
    }
  }

  async #begin(): Promise<string> {
    const starting = supervise(this.#system, this.#branch("root", this.#tree), { name: "root" });
    const outcome = starting.then(
      (tree) => {
        this.#system.watch(tree.ref, (reason) => (this.#rootEnd = reason));
        return "ok";
      },
      (error: { reason: { detail?: { child: string } } }) => `start_failed:${error.reason.detail?.child}`,
    );
    await this.#rest();
    return outcome;
  }

  async #call(
    name: string,
    ask: (tree: Supervisor | DynamicSupervisor<EndReason, WorkerArgs>) => Promise<{ kind: string }>,
  ): Promise<string> {
    const ref = this.#system.registry.whereIs(name);
    if (ref === undefined) return "nobody";
    const answer = ask(this.#handle(name, ref)).then(
      ({ kind }) => kind as StartChildOutcome<never>["kind"],
      (error: unknown) => {
        if (error instanceof SupervisorSpecError) throw error;
        return "supervisor_ended";
      },
    );
    await this.#rest();
    return answer;
  }

  async #snapshot(): Promise<string> {
    if (this.#system.registry.whereIs("root") === undefined)
      return this.#rootEnd === null ? "none" : `down:${wordFor(this.#takeRootEnd())}`;
    const names = [...this.#trees.keys()].filter((name) => this.#system.registry.whereIs(name) !== undefined);
    const texts: string[] = [];
    for (const name of names.sort()) texts.push(await this.#describe(name));
    return texts.join(" ");
  }

  #takeRootEnd(): ExitReason {
    const reason = this.#rootEnd as ExitReason;
    this.#rootEnd = null;
    return reason;
  }

  async #describe(name: string): Promise<string> {
    const tree = this.#handle(name, this.#system.registry.whereIs(name) as ActorRef<never>);
    const nameOf = new Map(
      this.#system.registry.names().map((other) => [this.#system.registry.whereIs(other)?.id, other]),
    );
    const children = (await tree.whichChildren()).map(({ id, state }) => {
      const label = id ?? (state.kind === "running" ? nameOf.get(state.ref.id) : "undefined");
      return `${label}:${state.kind}`;
    });
    const { specs, active, supervisors, workers } = await tree.countChildren();
    return `${name}(${children.sort().join(",")})${specs}/${active}/${supervisors}/${workers}`;
  }

  #handle(name: string, ref: ActorRef<never>): Supervisor | DynamicSupervisor<EndReason, WorkerArgs> {
    return this.#trees.get(name)?.strategy === "simple_one_for_one" ? new DynamicSupervisor(ref) : new Supervisor(ref);
  }

  #branch(name: string, tree: Tree): ReturnType<typeof supervisor> {
    const intensity = { restarts: tree.restarts, periodMs: hourMs };
    const started = (): void => void this.#trees.set(name, tree);
    if (tree.strategy === "simple_one_for_one")
      return supervisor(() => {
        started();
        const { restart, shutdown, significant, tree: bred } = tree.template;
        const start = bred === null ? this.#worker((id) => this.#isAsync(id)) : this.#bred(bred);
        const one = { start, restart, shutdown, significant };
        return { strategy: tree.strategy, intensity, autoShutdown: tree.auto, child: one };
      });
    return supervisor(() => {
      started();
      return {
        strategy: tree.strategy,
        intensity,
        autoShutdown: tree.auto,
        children: tree.children.map((one): ChildSpec => {
          if (one.kind === "worker") return this.#workerSpec(one);
          const { id, restart, shutdown, significant } = one;
          return { id, name: id, restart, shutdown, significant, start: this.#branch(id, one.tree) };
        }),
      };
    });
  }

  /** A supervisor under a dynamic one: it takes its name itself, as its children do. */
  #bred(tree: ListTree): SupervisorBehavior<WorkerArgs> {
    return supervisor(({ id }: WorkerArgs, self) => {
      this.#system.registry.register(id, self);
      this.#trees.set(id, tree);
      const intensity = { restarts: tree.restarts, periodMs: hourMs };
      return { strategy: tree.strategy, intensity, autoShutdown: tree.auto };
    });
  }

  #workerSpec({
    id,
    restart,
    shutdown,
    significant,
    stubborn,
  }: Worker): ReturnType<typeof child<EndReason, WorkerArgs>> {
    return child({
      id,
      start: this.#worker(() => this.#isAsync(id)),
      args: { id, stubborn },
      restart,
      shutdown,
      significant,
    });
  }

  /** Some workers start and stop with a promise: that must make no difference. */
  #worker(isAsync: (id: string) => boolean): Behavior<EndReason, WorkerArgs> {
    const begin = ({ id, stubborn }: WorkerArgs): WorkerArgs | typeof ignore => {
      const plan = this.#plans.get(id);
      if (plan === undefined || plan.times === 0) {
        this.#events.push(`${id}+`);
        return { id, stubborn };
      }
      plan.times -= 1;
      this.#events.push(`${id}${plan.outcome === "fail" ? "!" : "?"}`);
      if (plan.outcome === "fail") throw new Error("planned");
      return ignore;
    };
    return actor({
      onStart: (args: WorkerArgs, context) => {
        this.#system.registry.register(args.id, context.self);
        return isAsync(args.id) ? Promise.resolve().then(() => begin(args)) : begin(args);
      },
      receive(_state, message: EndReason, context) {
        if (message === "error") throw new Error("told to fail");
        context.stop(message === "shutdown_with" ? exit.shutdownWith("detail") : exit[message]);
      },
      onStop: ({ id, stubborn }, reason) => {
        this.#events.push(`${id}-${wordFor(reason)}`);
        if (stubborn && reason.kind === "shutdown" && reason.detail === undefined) return new Promise(() => {});
        return isAsync(id) && reason.kind !== "killed" ? Promise.resolve() : undefined;
      },
    });
  }

  /** Stubborn workers are killed after 10 ms; nothing else in a scenario needs time to pass. */
  #rest(): Promise<void> {
    return this.#host.advance(100);
  }
}

function wordFor(reason: ExitReason): string {
  if (reason.kind === "shutdown" && reason.detail !== undefined) return "shutdown+";
  return reason.kind;
}
