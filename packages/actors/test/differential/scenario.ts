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
  readonly shutdown: Shutdown;
  readonly significant: boolean;
  readonly tree: Tree;
}

export interface ListTree {
  readonly strategy: Strategy;
  readonly restarts: number;
  readonly auto: Auto;
  readonly children: readonly (Worker | Branch)[];
}

export interface DynamicTree {
  readonly strategy: "simple_one_for_one";
  readonly restarts: number;
  readonly auto: Auto;
  readonly template: Template;
}

/** What all children of a dynamic supervisor have in common. */
export interface Template {
  readonly restart: Restart;
  readonly shutdown: Shutdown;
  readonly significant: boolean;
  /** They are supervisors like this one; null for workers. */
  readonly tree: ListTree | null;
}

export type Tree = ListTree | DynamicTree;

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
  /** Each child's supervisor. */
  readonly owners: Readonly<Record<string, string>>;
  /**
   * A supervisor of supervisors is killed: while the lower ones end their children in order, the upper one goes on,
   * and which of them is first is chance, in Erlang too. Only what each supervisor does by itself has an order.
   */
  readonly races: boolean;
}

/** Makes `count` scenarios; the same ones for the same seed. */
export function makeScenarios(seed: number, count: number): Scenario[] {
  const random = generator(seed);
  return Array.from({ length: count }, () => new Maker(random).scenario());
}

/** What the maker knows of a supervisor. */
interface Entry {
  readonly id: string;
  readonly dynamic: boolean;
  readonly auto: Auto;
  readonly members: string[];
  /** What the supervisors are like that a dynamic one starts; null when it starts workers, or is not dynamic. */
  breeds: ListTree | null;
}

class Maker {
  readonly #random: () => number;
  #serial = 0;
  readonly #workers: Worker[] = [];
  readonly #supervisors: Entry[] = [];
  #races = false;

  constructor(random: () => number) {
    this.#random = random;
  }

  scenario(): Scenario {
    const tree = this.#tree("root", 0);
    const steps: Step[] = this.#chance(0.1) ? this.#plans(1) : [];
    steps.push({ kind: "begin" });
    const length = 3 + this.#below(12);
    for (let index = 0; index < length; index += 1) steps.push(...this.#step());
    const owners = Object.fromEntries(this.#supervisors.flatMap(({ id, members }) => members.map((one) => [one, id])));
    return { tree, steps, owners, races: this.#races };
  }

  #tree(id: string, depth: number): Tree {
    const auto = this.#pick(["never", "never", "any_significant", "all_significant"] as const);
    const restarts = this.#below(6);
    const dynamic = this.#chance(0.2);
    const entry: Entry = { id, dynamic, auto, members: [], breeds: null };
    this.#supervisors.push(entry);
    if (dynamic) {
      const restart = this.#restart();
      const significant = auto !== "never" && restart !== "permanent" && this.#chance(0.5);
      const shutdown = this.#pick(["brutal_kill", 10] as const);
      if (depth === 0 && this.#chance(0.3)) entry.breeds = this.#barren();
      const template = { restart, shutdown: entry.breeds === null ? shutdown : this.#treeShutdown(), significant };
      // Supervisors below one that is killed end in their own time.
      if (entry.breeds !== null && depth > 0) this.#races = true;
      return { strategy: "simple_one_for_one", restarts, auto, template: { ...template, tree: entry.breeds } };
    }
    const children = Array.from({ length: this.#below(5) }, () =>
      depth < 2 && this.#chance(0.25) ? this.#branch(entry, depth) : this.#worker(entry),
    );
    return { strategy: this.#pick(["one_for_one", "one_for_all", "rest_for_one"] as const), restarts, auto, children };
  }

  /** A tree that has no children of its own yet. */
  #barren(): ListTree {
    const auto = this.#pick(["never", "any_significant", "all_significant"] as const);
    const strategy = this.#pick(["one_for_one", "one_for_all", "rest_for_one"] as const);
    return { strategy, restarts: this.#below(4), auto, children: [] };
  }

  #branch(parent: { auto: Auto; members: string[] }, depth: number): Branch {
    const id = `s${(this.#serial += 1)}`;
    parent.members.push(id);
    const restart = this.#restart();
    const significant = parent.auto !== "never" && restart !== "permanent" && this.#chance(0.5);
    const shutdown = this.#treeShutdown();
    const tree = this.#tree(id, depth + 1);
    if (shutdown === "brutal_kill" && this.#hasBranches(id)) this.#races = true;
    return { kind: "supervisor", id, restart, shutdown, significant, tree };
  }

  #treeShutdown(): Shutdown {
    return this.#pick(["infinity", "infinity", "infinity", 2000, "brutal_kill"] as const);
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
    if (supervisor.dynamic) return this.#dynamicStep(supervisor);
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

  #dynamicStep(supervisor: Entry): Step[] {
    if (supervisor.members.length > 0 && this.#chance(0.3))
      return [{ kind: "terminate-dynamic", supervisor: supervisor.id, id: this.#pick(supervisor.members) }];
    const id = `d${(this.#serial += 1)}`;
    supervisor.members.push(id);
    if (supervisor.breeds !== null) {
      this.#supervisors.push({ id, dynamic: false, auto: supervisor.breeds.auto, members: [], breeds: null });
      return [{ kind: "start-dynamic", supervisor: supervisor.id, id, stubborn: false }];
    }
    const start: Step = { kind: "start-dynamic", supervisor: supervisor.id, id, stubborn: this.#chance(0.1) };
    if (this.#chance(0.8)) return [start];
    const outcome = this.#pick(["fail", "ignore"] as const);
    return [{ kind: "plan", id, outcome, times: 1 }, start, { ...start, stubborn: false }];
  }

  #exit(): Step {
    const members = this.#supervisors.flatMap((supervisor) => supervisor.members);
    const id = members.length === 0 ? "unknown" : this.#pick(members);
    if (this.#hasBranches(id)) this.#races = true;
    if (this.#isSupervisor(id) || this.#chance(0.2)) return { kind: "kill", id };
    const stubborn = id.startsWith("d") || this.#workers.find((worker) => worker.id === id)?.stubborn === true;
    // A stubborn worker would not end with `shutdown` even by itself.
    const reason = stubborn
      ? this.#pick(["normal", "error"] as const)
      : this.#pick(["normal", "shutdown", "shutdown_with", "error", "error", "error"] as const);
    return { kind: "exit", id, reason };
  }

  #hasBranches(id: string): boolean {
    const found = this.#supervisors.find((one) => one.id === id);
    return found !== undefined && (found.breeds !== null || found.members.some((one) => this.#isSupervisor(one)));
  }

  #isSupervisor(id: string): boolean {
    return this.#supervisors.some((one) => one.id === id);
  }

  #plans(count: number): Step[] {
    const ids = this.#supervisors.flatMap(({ members }) => members.filter((id) => !this.#isSupervisor(id)));
    if (ids.length === 0) return [];
    return Array.from({ length: count }, () => {
      const id = this.#pick(ids);
      const outcome = this.#pick(["fail", "fail", "ignore"] as const);
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

function dynamicTerm({ restart, shutdown, significant, tree }: Template): string {
  return `{dynamic, ${restart}, ${shutdown}, ${significant}, ${tree === null ? "none" : treeTerm(tree)}}`;
}

function childTerm(child: Worker | Branch): string {
  return child.kind === "worker"
    ? `{worker, ${child.id}, ${child.restart}, ${child.shutdown}, ${child.significant}, ${child.stubborn}}`
    : `{supervisor, ${child.id}, ${child.restart}, ${child.shutdown}, ${child.significant}, ${treeTerm(child.tree)}}`;
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
