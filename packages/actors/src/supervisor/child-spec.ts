import type { Behavior } from "../vocabulary/behavior.ts";
import type { MailboxOptions } from "../vocabulary/mailbox-options.ts";
import type { BackoffOptions } from "../time/backoff.ts";

/** When a child that ended is started again: always; unless it ended in order; never. */
export type RestartType = "permanent" | "transient" | "temporary";

/** How a child is ended: at once; told, and killed after so many ms; told, and waited for however long it takes. */
export type Shutdown = "brutal_kill" | number | "infinity";

/** Settings of one child, with OTP's names and defaults. */
export interface ChildSettings {
  /** @default "permanent" */
  readonly restart?: RestartType;
  /** In ms. @default 5000; "infinity" for a supervisor */
  readonly shutdown?: Shutdown;
  /** Its orderly end can end the supervisor; see `autoShutdown`. @default false */
  readonly significant?: boolean;
  /** Wait before restarts, longer each time. Not in OTP. @default no wait */
  readonly backoff?: BackoffOptions;
  /** Overrides the mailbox of the behaviour. */
  readonly mailbox?: MailboxOptions<never>;
}

/** One child of a supervisor. */
export interface ChildSpec extends ChildSettings {
  /** Unique among the supervisor's children. */
  readonly id: string;
  readonly start: Behavior<never, never>;
  /** Given to `onStart` at each start. */
  readonly args?: unknown;
  /** Name in the registry; the replacement after a crash takes it over. */
  readonly name?: string;
}

/** A child spec that knows what messages its child takes. */
export interface TypedChildSpec<in Message> extends ChildSpec {
  readonly start: Behavior<Message, never>;
}

/**
 * Makes a child spec whose `args` are checked against its behaviour.
 *
 * @example
 * child({ id: "cache", start: cache, args: { size: 100 }, restart: "transient" })
 */
export function child<Message, Args>(
  spec: ChildSpec & {
    readonly start: Behavior<Message, Args>;
  } & (undefined extends Args ? { readonly args?: Args } : { readonly args: Args }),
): TypedChildSpec<Message> {
  return spec;
}

/** The template of all children of a `simple_one_for_one` supervisor; each gets its own `args`. */
export interface DynamicChildSpec<in Message, in Args> extends ChildSettings {
  readonly start: Behavior<Message, Args>;
}
