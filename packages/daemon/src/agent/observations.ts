import type { InstanceState } from "@constellation/contract";
import type { PortBinding, RunHandle } from "@constellation/instances";

/** The present run of an instance, for whoever reads or uses it directly. */
export interface LiveRun {
  readonly handle: RunHandle;
  readonly ports: readonly PortBinding[];
}

/** What this node knows of one of its instances. */
export interface ObservedInstance {
  readonly app: string;
  readonly index: number;
  /** Revision that its present or last run has; null before the first. */
  readonly revision: number | null;
  /** A later revision that its run could not take over while it runs; null: none. */
  readonly refused: number | null;
  /** `tries` of the allocation for which its present or last run was launched. */
  readonly tries: number;
  /** When its present or last run was begun, in Unix milliseconds; null: before the first, or an earlier daemon saw it end. */
  readonly begunAt: number | null;
  readonly driver: string;
  readonly state: InstanceState;
  readonly restarts: number;
  readonly run: LiveRun | null;
  /** What happened to it, newest last. */
  readonly history: readonly { readonly at: number; readonly text: string }[];
}

/** The table of everything observed on this node: written by the instances' actors, read by scheduler, API and sampling. */
export class Observations {
  readonly #apps = new Map<string, Map<number, ObservedInstance>>();
  readonly #listeners = new Set<(instance: ObservedInstance) => void>();

  /** By name, such as `web.2`. */
  get(name: string): ObservedInstance | undefined {
    const dot = name.lastIndexOf(".");
    return this.at(name.slice(0, dot), Number(name.slice(dot + 1)));
  }

  /** The instance behind an allocation. */
  at(app: string, index: number): ObservedInstance | undefined {
    return this.#apps.get(app)?.get(index);
  }

  /** The instances of one app, by number. */
  of(app: string): ObservedInstance[] {
    return [...(this.#apps.get(app)?.values() ?? [])].sort((a, b) => a.index - b.index);
  }

  /** All instances, or those of one app, ordered by app and number. */
  list(app?: string): ObservedInstance[] {
    if (app !== undefined) return this.of(app);
    return [...this.#apps.keys()].sort().flatMap((name) => this.of(name));
  }

  *values(): Generator<ObservedInstance, void, undefined> {
    for (const instances of this.#apps.values()) yield* instances.values();
  }

  report(instance: ObservedInstance): void {
    const instances = this.#apps.get(instance.app) ?? new Map<number, ObservedInstance>();
    this.#apps.set(instance.app, instances.set(instance.index, instance));
    this.#tell(instance);
  }

  /** Its allocation is gone. */
  forget(app: string, index: number): void {
    const known = this.at(app, index);
    if (known === undefined) return;
    const instances = this.#apps.get(app);
    instances?.delete(index);
    if (instances?.size === 0) this.#apps.delete(app);
    this.#tell(known);
  }

  /** Calls `listener` after every report; returns how to stop. */
  onChange(listener: (instance: ObservedInstance) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(instance: ObservedInstance): void {
    for (const listener of this.#listeners) listener(instance);
  }
}

/** True while something of it runs or is about to: it holds its port, its memory and its name. */
export function isAlive({ status }: InstanceState): boolean {
  return status === "running" || status === "starting" || status === "stopping" || status === "backoff";
}
