import type { OwnedStateStore } from "@constellation/engine";
import type { Driver, RunHandle } from "@constellation/instances";

/**
 * The moment at which a daemon dies, counted in its calls to the world. From then on none of its calls reaches the world
 * and none of them returns: as after kill -9, with the code still there to watch that it does nothing.
 */
export class Death {
  #left: number;
  readonly #died: () => void;
  readonly happened: Promise<void>;

  constructor(afterCalls: number) {
    this.#left = afterCalls;
    let died = (): void => undefined;
    this.happened = new Promise((resolve) => (died = resolve));
    this.#died = died;
  }

  get isDead(): boolean {
    return this.#left < 0;
  }

  /** One call to the world; false when the caller is dead. */
  call(): boolean {
    if (this.#left < 0) return false;
    this.#left -= 1;
    if (this.#left < 0) this.#died();
    return this.#left >= 0;
  }

  now(): void {
    if (!this.isDead) this.#died();
    this.#left = -1;
  }
}

const never = new Promise<never>(() => undefined);

/** Lets calls through until death; some die on the way there, some on the way back. */
export function mortal<T extends object>(target: T, death: Death, methods: readonly string[]): T {
  return new Proxy(target, {
    get(_, key) {
      const value = Reflect.get(target, key, target) as unknown;
      if (typeof value !== "function") return value;
      const method = value.bind(target) as (...args: unknown[]) => unknown;
      if (!methods.includes(String(key))) return method;
      return async (...args: unknown[]) => {
        if (!death.call()) return never;
        const result = await method(...args);
        if (!death.call()) return never;
        return wrap(result, death);
      };
    },
  });
}

/** Handles that come out of a driver die with it. */
function wrap(result: unknown, death: Death): unknown {
  if (typeof result !== "object" || result === null) return result;
  if ("facts" in result) return mortal(result as RunHandle, death, ["wait", "stop", "kill", "remember"]);
  if ("handle" in result) return { ...result, handle: wrap(result.handle, death) };
  return result;
}

export const mortalStore = (store: OwnedStateStore, death: Death): OwnedStateStore =>
  mortal(store, death, ["txn", "list", "settle"]);
export const mortalDriver = (driver: Driver, death: Death): Driver =>
  mortal(driver, death, ["start", "recover", "list", "release"]);
