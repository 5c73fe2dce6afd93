import { generator } from "@constellation/actors/testkit";

export type Restart = "permanent" | "transient" | "temporary";
export type Strategy = "one_for_one" | "one_for_all" | "rest_for_one";
export type Auto = "never" | "any_significant" | "all_significant";
export type Shutdown = "brutal_kill" | "infinity" | number;
export type EndReason = "normal" | "shutdown" | "shutdown_with" | "error";

export interface Worker {
  readonly kind: "worker";
  readonly id: string;
  readonly restart: Restart;
  readonly shutdown: Shutdown;
  readonly significant: boolean;
  /** Does not end when it is told to: it must be killed. */
  readonly stubborn: boolean;
}

export interface Branch {
  readonly kind: "supervisor";
  readonly id: string;
  readonly restart: Restart;
  readonly significant: boolean;
  readonly tree: Tree;
}

export type Tree =
  | {
      readonly strategy: Strategy;
      readonly restarts: number;
      readonly auto: Auto;
      readonly children: readonly (Worker | Branch)[];
    }
  | {
      readonly strategy: "simple_one_for_one";
      readonly restarts: number;
      readonly auto: Auto;
      readonly template: Omit<Worker, "id" | "kind" | "stubborn">;
    };

export type Step =
  | { readonly kind: "begin" }
  /** The next `times` starts of this worker fail, or say `ignore`. */
  | { readonly kind: "plan"; readonly id: string; readonly outcome: "fail" | "ignore"; readonly times: number }
  | { readonly kind: "exit"; readonly id: string; readonly reason: EndReason }
  | { readonly kind: "kill"; readonly id: string }
  | { readonly kind: "start"; readonly supervisor: string; readonly worker: Worker }
  | { readonly kind: "start-dynamic"; readonly supervisor: string; readonly id: string; readonly stubborn: boolean }
  | { readonly kind: "terminate-dynamic"; readonly supervisor: string; readonly id: string }
  | { readonly kind: "terminate" | "restart" | "delete"; readonly supervisor: string; readonly id: string };

export interface Scenario {
  readonly tree: Tree;
  readonly steps: readonly Step[];
}

/** Makes `count` scenarios; the same ones for the same seed. */
export function makeScenarios(seed: number, count: number): Scenario[] {
  const random = generator(seed);
  return Array.from({ length: count }, () => new Maker(random).scenario());
}

class Maker {
  readonly #random: () => number;
  #serial = 0;
  readonly #workers: Worker[] = [];
  readonly #supervisors: { id: string; dynamic: boolean; auto: Auto; members: string[] }[] = [];

  constructor(random: () => number) {
    this.#random = random;
  }

  scenario(): Scenario {
    const tree = this.#tree("root", 0);
    const steps: Step[] = this.#chance(0.1) ? this.#plans(1) : [];
    steps.push({ kind: "begin" });
    const length = 3 + this.#below(12);
    for (let index = 0; index < length; index += 1) steps.push(...this.#step());
    return { tree, steps };
  }

  #tree(id: string, depth: number): Tree {
    const auto = this.#pick(["never", "never", "any_significant", "all_significant"] as const);
    const restarts = this.#below(6);
    const dynamic = this.#chance(0.2);
    const entry = { id, dynamic, auto, members: [] as string[] };
    this.#supervisors.push(entry);
    if (dynamic) {
      const restart = this.#restart();
      const significant = auto !== "never" && restart !== "permanent" && this.#chance(0.5);
      const shutdown = this.#pick(["brutal_kill", 10] as const);
      return { strategy: "simple_one_for_one", restarts, auto, template: { restart, shutdown, significant } };
    }
    const children = Array.from({ length: this.#below(5) }, () =>
      depth < 2 && this.#chance(0.25) ? this.#branch(entry, depth) : this.#worker(entry),
    );
    return { strategy: this.#pick(["one_for_one", "one_for_all", "rest_for_one"] as const), restarts, auto, children };
  }

  #branch(parent: { auto: Auto; members: string[] }, depth: number): Branch {
    const id = `s${(this.#serial += 1)}`;
    parent.members.push(id);
    const restart = this.#restart();
    const significant = parent.auto !== "never" && restart !== "permanent" && this.#chance(0.5);
    return { kind: "supervisor", id, restart, significant, tree: this.#tree(id, depth + 1) };
  }

  #worker(parent: { auto: Auto; members: string[] }): Worker {
    const restart = this.#restart();
    const significant = parent.auto !== "never" && restart !== "permanent" && this.#chance(0.5);
    const stubborn = this.#chance(0.1);
    const worker: Worker = {
      kind: "worker",
      id: `w${(this.#serial += 1)}`,
      restart,
      shutdown: stubborn
        ? this.#pick(["brutal_kill", 10] as const)
        : this.#pick(["brutal_kill", 2000, "infinity"] as const),
      significant,
      stubborn,
    };
    parent.members.push(worker.id);
    this.#workers.push(worker);
    return worker;
  }

  #step(): Step[] {
    const supervisor = this.#pick(this.#supervisors);
    const roll = this.#random();
    if (roll < 0.1) return this.#plans(1 + this.#below(3));
    if (roll < 0.6) return [this.#exit()];
    if (supervisor.dynamic) return [this.#dynamicStep(supervisor)];
    if (roll < 0.7) {
      if (this.#chance(0.3) && supervisor.members.length > 0) return [this.#startAgain(supervisor)];
      return [{ kind: "start", supervisor: supervisor.id, worker: this.#worker(supervisor) }];
    }
    const kind = this.#pick(["terminate", "terminate", "restart", "delete"] as const);
    const id = this.#chance(0.05) || supervisor.members.length === 0 ? "unknown" : this.#pick(supervisor.members);
    return [{ kind, supervisor: supervisor.id, id }];
  }

  #startAgain(supervisor: { id: string; auto: Auto; members: string[] }): Step {
    const id = this.#pick(supervisor.members);
    const known = this.#workers.find((worker) => worker.id === id);
    if (known === undefined) return { kind: "restart", supervisor: supervisor.id, id };
    return { kind: "start", supervisor: supervisor.id, worker: known };
  }

  #dynamicStep(supervisor: { id: string; members: string[] }): Step {
    if (supervisor.members.length > 0 && this.#chance(0.3))
      return { kind: "terminate-dynamic", supervisor: supervisor.id, id: this.#pick(supervisor.members) };
    const id = `d${(this.#serial += 1)}`;
    supervisor.members.push(id);
    return { kind: "start-dynamic", supervisor: supervisor.id, id, stubborn: this.#chance(0.1) };
  }

  #exit(): Step {
    const members = this.#supervisors.flatMap((supervisor) => supervisor.members);
    const id = members.length === 0 ? "unknown" : this.#pick(members);
    if (id.startsWith("s") && this.#hasBranches(id)) return { kind: "kill", id: "unknown" };
    if (id.startsWith("s") || this.#chance(0.2)) return { kind: "kill", id };
    const stubborn = id.startsWith("d") || this.#workers.find((worker) => worker.id === id)?.stubborn === true;
    // A stubborn worker would not end with `shutdown` even by itself.
    const reason = stubborn
      ? this.#pick(["normal", "error"] as const)
      : this.#pick(["normal", "shutdown", "shutdown_with", "error", "error", "error"] as const);
    return { kind: "exit", id, reason };
  }

  /**
   * When a supervisor of supervisors is killed, the lower ones still end their children in order while the upper one
   * starts replacements of the same names: which is first is chance, in Erlang too.
   */
  #hasBranches(id: string): boolean {
    return this.#supervisors.find((one) => one.id === id)?.members.some((member) => member.startsWith("s")) === true;
  }

  #plans(count: number): Step[] {
    const ids = this.#supervisors.flatMap(({ dynamic, members }) =>
      members.filter((id) => !id.startsWith("s")).map((id) => ({ id, dynamic })),
    );
    if (ids.length === 0) return [];
    return Array.from({ length: count }, () => {
      const { id, dynamic } = this.#pick(ids);
      // OTP forgets which dynamic child said `ignore` on its restart: not a behaviour to copy.
      const outcome = dynamic ? "fail" : this.#pick(["fail", "fail", "ignore"] as const);
      return { kind: "plan", id, outcome, times: 1 + this.#below(3) };
    });
  }

  #restart(): Restart {
    return this.#pick(["permanent", "permanent", "transient", "temporary"] as const);
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #chance(share: number): boolean {
    return this.#random() < share;
  }

  #pick<Value>(values: readonly Value[]): Value {
    const value = values[this.#below(values.length)];
    if (value === undefined) throw new RangeError("Nothing to pick from");
    return value;
  }
}

/** The scenario as an Erlang term, for the oracle. */
export function toErlang(scenario: Scenario): string {
  return `{${treeTerm(scenario.tree)}, [${scenario.steps.map(stepTerm).join(", ")}]}.`;
}

function treeTerm(tree: Tree): string {
  const children = tree.strategy === "simple_one_for_one" ? [dynamicTerm(tree.template)] : tree.children.map(childTerm);
  return `{${tree.strategy}, ${tree.restarts}, ${tree.auto}, [${children.join(", ")}]}`;
}

function dynamicTerm({ restart, shutdown, significant }: Omit<Worker, "id" | "kind" | "stubborn">): string {
  return `{dynamic, ${restart}, ${shutdown}, ${significant}}`;
}

function childTerm(child: Worker | Branch): string {
  return child.kind === "worker"
    ? `{worker, ${child.id}, ${child.restart}, ${child.shutdown}, ${child.significant}, ${child.stubborn}}`
    : `{supervisor, ${child.id}, ${child.restart}, ${child.significant}, ${treeTerm(child.tree)}}`;
}

function stepTerm(step: Step): string {
  switch (step.kind) {
    case "begin":
      return "begin_tree";
    case "plan":
      return `{plan, ${step.id}, ${step.outcome}, ${step.times}}`;
    case "exit":
      return `{exit, ${step.id}, ${step.reason}}`;
    case "kill":
      return `{kill, ${step.id}}`;
    case "start":
      return `{start, ${step.supervisor}, ${childTerm(step.worker)}}`;
    case "start-dynamic":
      return `{start_dynamic, ${step.supervisor}, {${step.id}, ${step.stubborn}}}`;
    case "terminate-dynamic":
      return `{terminate_dynamic, ${step.supervisor}, ${step.id}}`;
    default:
      return `{${step.kind}, ${step.supervisor}, ${step.id}}`;
  }
}
