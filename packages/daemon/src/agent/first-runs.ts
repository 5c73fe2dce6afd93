import { newRunId } from "@constellation/instances";
import type { RunRecord } from "../state/index.ts";
import type { KeeperArgs } from "./keeper-args.ts";

/**
 * First runs of new instances. They are written down in one transaction with the allocations, so that the launch needs no
 * write of its own. Which of them nobody has begun is known to this daemon only: the next one finds a run that was launched,
 * perhaps, and looks what became of it, as with every other.
 */
export class FirstRuns {
  readonly #random: () => number;
  readonly #open = new Map<string, string>();

  /** @param random in [0, 1), for the names of the runs */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** The record to be written with the allocation of a new instance. */
  plan(instance: KeeperArgs, revision: number, nowMs: number): RunRecord {
    const runId = newRunId(nowMs, this.#random());
    this.#open.set(keyOf(instance), runId);
    return { status: "launched", runId, revision, restarts: 0, streak: 0, recentRestarts: [], tries: 0, since: nowMs };
  }

  /** It was not written down after all. */
  forget(instance: KeeperArgs): void {
    this.#open.delete(keyOf(instance));
  }

  /** Whether this is a run that was planned here and that nobody has begun; from now on somebody has. */
  take(instance: KeeperArgs, runId: string): boolean {
    return this.#open.get(keyOf(instance)) === runId && this.#open.delete(keyOf(instance));
  }
}

const keyOf = ({ app, index }: KeeperArgs): string => `${app}.${index}`;
