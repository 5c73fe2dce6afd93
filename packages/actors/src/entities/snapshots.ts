/** Where entities keep their state between activations. State is plain data. */
export interface Snapshots {
  /** The state that was saved last; undefined when there is none. */
  load(kind: string, id: string): Promise<unknown>;
  /** Takes the state as it is at the call, and resolves when that is safe. Later saves of an id win over earlier ones. */
  save(kind: string, id: string, state: unknown): Promise<void>;
  /** False when there was none. */
  remove(kind: string, id: string): Promise<boolean>;
}

/** Keeps snapshots in memory, as copies: what an entity changes later does not change them. */
export class MemorySnapshots implements Snapshots {
  readonly #states = new Map<string, unknown>();

  load(kind: string, id: string): Promise<unknown> {
    return Promise.resolve(structuredClone(this.#states.get(keyOf(kind, id))));
  }

  save(kind: string, id: string, state: unknown): Promise<void> {
    this.#states.set(keyOf(kind, id), structuredClone(state));
    return Promise.resolve();
  }

  remove(kind: string, id: string): Promise<boolean> {
    return Promise.resolve(this.#states.delete(keyOf(kind, id)));
  }
}

function keyOf(kind: string, id: string): string {
  return JSON.stringify([kind, id]);
}
