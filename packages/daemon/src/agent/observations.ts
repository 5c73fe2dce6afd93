import type { InstanceState } from "@constellation/contract";
import { instanceName, type PortBinding, type RunHandle } from "@constellation/instances";

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
  readonly driver: string;
  readonly state: InstanceState;
  readonly restarts: number;
  readonly run: LiveRun | null;
  /** What happened to it, newest last. */
  readonly history: readonly { readonly at: number; readonly text: string }[];
}

/** The table of everything observed on this node: written by the instances' actors, read by scheduler, API and sampling. */
export class Observations {
  readonly #byName = new Map<string, ObservedInstance>();
  readonly #listeners = new Set<(instance: ObservedInstance) => void>();

  get(name: string): ObservedInstance | undefined {
    return this.#byName.get(name);
  }

  /** The instance behind an allocation. */
  at(app: string, index: number): ObservedInstance | undefined {
    return this.#byName.get(instanceName({ app, index }));
  }

  /** All instances, or those of one app, ordered by app and number. */
  list(app?: string): ObservedInstance[] {
    return [...this.#byName.values()]
      .filter((instance) => app === undefined || instance.app === app)
      .sort((a, b) => a.app.localeCompare(b.app) || a.index - b.index);
  }

  values(): IterableIterator<ObservedInstance> {
    return this.#byName.values();
  }

  report(instance: ObservedInstance): void {
    this.#byName.set(instanceName(instance), instance);
    this.#tell(instance);
  }

  /** Its allocation is gone. */
  forget(app: string, index: number): void {
    const known = this.at(app, index);
    if (known === undefined) return;
    this.#byName.delete(instanceName(known));
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
