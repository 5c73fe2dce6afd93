import {
  type ActualInstance,
  type Fit,
  planRollout,
  type Progress,
  type RolloutAction,
  type RolloutGoal,
  type Wish,
} from "@constellation/core";

/** How instances of a revision fare: `good` ones become ready, `bad` ones never do, `brief` ones do their work and end. */
export type Quality = "good" | "bad" | "brief";

const reached: Readonly<Record<Quality, Progress>> = { good: "ready", bad: "coming", brief: "completed" };

interface Simulated {
  wish: Wish;
  revision: number;
  /** What runs; the agent moves it towards the allocation with {@link World.turn}. */
  run: { revision: number; progress: Progress } | null;
}

/** A machine in miniature: carries plans out at once, lets instances come up, crash and go in any order it is told. */
export class World {
  goal: RolloutGoal;
  revision = 1;
  readonly qualities: Quality[] = ["good"];
  /** Revisions that running instances take over. */
  readonly #live = new Set<number>();
  readonly instances = new Map<number, Simulated>();

  constructor(goal: RolloutGoal) {
    this.goal = goal;
  }

  update(quality: Quality): void {
    this.revision += 1;
    this.qualities.push(quality);
  }

  /** A revision that needs no new process: instances fare as before. */
  updateLive(): void {
    this.update(this.qualities.at(-1) ?? "good");
    this.#live.add(this.revision);
  }

  view(): ActualInstance[] {
    return [...this.instances]
      .sort(([a], [b]) => a - b)
      .map(([index, { wish, revision, run }]) => ({
        index,
        wish,
        fit: this.#fit(revision),
        progress: progress(run, revision),
      }));
  }

  plan(): RolloutAction[] {
    return planRollout(this.goal, this.view());
  }

  apply(actions: readonly RolloutAction[]): void {
    for (const action of actions) {
      const known = this.instances.get(action.index);
      const instance = known ?? { wish: { kind: "run" }, revision: this.revision, run: null };
      this.instances.set(action.index, instance);
      if (action.kind === "stop" || action.kind === "remove") instance.wish = { kind: action.kind };
      else {
        instance.wish = action.kind === "wait" ? { kind: "wait", for: action.for } : { kind: "run" };
        instance.revision = this.revision;
        if (action.kind === "adjust" && instance.run) instance.run.revision = this.revision;
      }
    }
  }

  /** The node's turn for one instance: one step towards what its allocation says. */
  turn(index: number): void {
    const instance = this.instances.get(index);
    if (instance === undefined) return;
    const { wish, run } = instance;
    if (wish.kind === "remove") {
      if (run === null) this.instances.delete(index);
      else instance.run = null;
    } else if (wish.kind !== "run") instance.run = null;
    else if (run === null || run.revision !== instance.revision)
      instance.run = run === null ? { revision: instance.revision, progress: "coming" } : null;
    else run.progress = reached[this.qualities[run.revision - 1] ?? "bad"];
  }

  crash(index: number): void {
    const run = this.instances.get(index)?.run;
    if (run) run.progress = "coming";
  }

  giveUp(index: number): void {
    const run = this.instances.get(index)?.run;
    if (run && this.qualities[run.revision - 1] === "bad") run.progress = "failed";
  }

  /** Instances whose process serves, whatever their allocation says. */
  get serving(): number {
    return [...this.instances.values()].filter(({ run }) => run?.progress === "ready").length;
  }

  /** How many would still serve, or have done their work, if everything the actions end were gone. */
  servingAfter(actions: readonly RolloutAction[]): number {
    const ended = new Set(
      actions
        .filter(({ kind }) => kind === "replace" || kind === "stop" || kind === "remove")
        .map(({ index }) => index),
    );
    // What an earlier plan has condemned already does not count as serving.
    const condemned = this.view().filter(
      ({ progress, wish }) => (progress === "ready" || progress === "completed") && wish.kind === "run",
    );
    return condemned.filter(({ index }) => !ended.has(index)).length;
  }

  /** Turns and plans in a fair order until nothing is left to do; the number of rounds. */
  settle(limit = 500): number {
    for (let round = 1; round <= limit; round += 1) {
      const actions = this.plan();
      this.apply(actions);
      const before = JSON.stringify([...this.instances]);
      for (const index of this.instances.keys()) this.turn(index);
      if (actions.length === 0 && JSON.stringify([...this.instances]) === before) return round;
    }
    throw new Error(`not settled after ${limit} rounds: ${JSON.stringify([...this.instances])}`);
  }

  #fit(revision: number): Fit {
    if (revision === this.revision) return "current";
    for (let since = revision + 1; since <= this.revision; since += 1) if (!this.#live.has(since)) return "outdated";
    return "live";
  }
}

function progress(run: Simulated["run"], revision: number): Progress {
  if (run === null) return "idle";
  return run.revision === revision ? run.progress : "coming";
}
