import type { Signal } from "../cell/cell.ts";

/** Says whether a signal is the one that a task waits for. */
export type Wanted = (signal: Signal) => boolean;

/**
 * Work of a supervisor that can have to wait: it yields what it waits for and is resumed with that signal, as Erlang's
 * selective receive; other signals wait until it is done. Work that need not wait runs through without a promise.
 */
export type Task<Result> = Generator<Wanted, Result, Signal>;
