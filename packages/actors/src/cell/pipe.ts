import type { Cell } from "./cell.ts";
import { signal } from "./system-lane.ts";

/** Delivers the outcome of a promise to the actor as a message of its own. */
export function pipe<Value>(
  cell: Cell,
  promise: PromiseLike<Value>,
  toMessage: (value: Value) => unknown,
  toFailure: (error: unknown) => unknown,
): void {
  const deliver = (make: () => unknown): void => {
    try {
      signal(cell, { kind: "deliver", message: make() });
    } catch (error) {
      signal(cell, { kind: "fail", error });
    }
  };
  promise.then(
    (value) => deliver(() => toMessage(value)),
    (error: unknown) => deliver(() => toFailure(error)),
  );
}
