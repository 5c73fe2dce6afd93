import type { ChildSpec, DynamicChildSpec } from "./child-spec.ts";

/** Which children are restarted when one ends: that one; all; that one and those started after it. */
export type Strategy = "one_for_one" | "one_for_all" | "rest_for_one";

/** When the orderly end of significant children ends the supervisor. */
export type AutoShutdown = "never" | "any_significant" | "all_significant";

/** How many restarts are too many, on the monotonic clock of the host. */
export interface Intensity {
  /** @default 1 */
  readonly restarts: number;
  /** @default 5000 */
  readonly periodMs: number;
}

interface CommonOptions {
  /** What it is called in trees, logs and errors. @default "supervisor" */
  readonly kind?: string;
  /** More restarts than this, and the supervisor ends itself with `shutdown`. @default 1 in 5000 ms, as OTP's */
  readonly intensity?: Intensity;
  /** @default "never" */
  readonly autoShutdown?: AutoShutdown;
}

/** A supervisor with children that differ. */
export interface SupervisorOptions extends CommonOptions {
  /** @default "one_for_one" */
  readonly strategy?: Strategy;
  /** Started in this order, ended in reverse. @default none */
  readonly children?: readonly ChildSpec[];
}

/** A supervisor with any number of children of one kind, started with `startChild(args)`. */
export interface DynamicSupervisorOptions<in Message, in Args> extends CommonOptions {
  readonly strategy: "simple_one_for_one";
  readonly child: DynamicChildSpec<Message, Args>;
}

/** Either kind, as the supervisor reads it. */
export type AnySupervisorOptions = SupervisorOptions | DynamicSupervisorOptions<never, never>;
