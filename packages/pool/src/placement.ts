import { PoolError } from "./failure.ts";

/** Where a worker lives: a thread, a process, or the caller's own thread. */
export type Placement = "thread" | "process" | "inline";

/** What a module does that matters for where it may be. */
export interface Traits {
  /** Starts child processes. */
  readonly mayFork?: boolean;
  /** Runs native code that can crash: add-ons, FFI. */
  readonly native?: boolean;
  /** Takes microseconds and blocks nobody: control work. */
  readonly light?: boolean;
}

/** One module of a pool. */
export interface PoolModule {
  /** Its exported functions are the tasks. Absolute: a `file:` URL. */
  readonly url: URL | string;
  /** @default what the pool's `placement` says */
  readonly placement?: Placement;
  readonly traits?: Traits;
}

/** One placement for all modules, or a function that decides for each. */
export type PlacementPolicy = Placement | ((module: PoolModule, name: string) => Placement);

/** The default policy: what may fork or crash natively in processes, light work inline, everything else in threads. */
export function placeByTraits(module: PoolModule): Placement {
  const { mayFork, native, light } = module.traits ?? {};
  if (mayFork === true || native === true) return "process";
  return light === true ? "inline" : "thread";
}

/**
 * Where a module goes.
 * @throws PoolError placement-refused when it would not be contained there.
 */
export function placeModule(module: PoolModule, name: string, policy: PlacementPolicy): Placement {
  const wanted = module.placement ?? (typeof policy === "function" ? policy(module, name) : policy);
  if (wanted !== "thread" && wanted !== "process" && wanted !== "inline")
    throw new PoolError(
      "options-invalid",
      `Cannot place module "${name}" in "${String(wanted)}": wanted "thread", "process" or "inline"`,
    );
  const { mayFork, native } = module.traits ?? {};
  if (wanted === "process" || (mayFork !== true && native !== true)) return wanted;
  const what = mayFork === true ? "may start child processes" : "runs native code that can crash";
  throw new PoolError(
    "placement-refused",
    `Cannot place module "${name}" in ${wanted === "thread" ? "a thread" : "the caller's thread"}: it ${what}, ` +
      `which only a process contains; use placement "process"`,
  );
}
