import type { Cell } from "../cell/cell.ts";

/**
 * Lets an actor handle a message while errors are made without a stack. To capture one is two thirds of the cost of
 * a crash, and the stack of the same child's first crash is known already. Engines without `stackTraceLimit` ignore
 * this.
 */
export function withoutStacks(cell: Cell, message: unknown): unknown {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return cell.script.receive(cell.state, message, cell);
  } finally {
    Error.stackTraceLimit = limit;
  }
}
