/** What happens to a message for a full mailbox. */
export type OverflowPolicy =
  /** Not taken; `send` says `"rejected"`. */
  | "reject"
  /** Not taken; `send` says `"dropped"`. */
  | "drop-newest"
  /** Taken; the oldest waiting message is dropped instead. */
  | "drop-oldest"
  /** `send` says `"rejected"`, `await offer()` waits for room. */
  | "block";

/** How many messages may wait, and what happens to one more. */
export interface MailboxOptions<in Message> {
  /**
   * Messages that may wait; `"unbounded"` for no bound. Raising it costs memory when the actor falls behind, lowering
   * it loses or slows senders earlier; there is no 0.
   * @default 65_536
   */
  readonly capacity?: number | "unbounded";
  /** @default "reject" */
  readonly overflow?: OverflowPolicy;
  /** Orders waiting messages, lowest number first, equal ones as they came. Costs O(log n) per message. */
  readonly priority?: (message: Message) => number;
}

/** Mailbox options as the runtime keeps them: one object for every actor that shares them. */
export interface MailboxLimits {
  readonly capacity: number;
  readonly overflow: OverflowPolicy;
  readonly priority: ((message: unknown) => number) | null;
}

/** The largest small integer of V8, so that comparing with it stays an integer comparison. */
const unbounded = 2 ** 30 - 1;
const policies: readonly string[] = ["reject", "drop-newest", "drop-oldest", "block"];
const standard: MailboxLimits = { capacity: 65_536, overflow: "reject", priority: null };

/** Checks the options and fills in the defaults. @throws RangeError naming the value that cannot be. */
export function readMailboxOptions(options: MailboxOptions<never> | undefined): MailboxLimits {
  if (options === undefined) return standard;
  const capacity = options.capacity === "unbounded" ? unbounded : (options.capacity ?? standard.capacity);
  if (!Number.isInteger(capacity) || capacity < 1 || capacity > unbounded)
    throw new RangeError(
      `Cannot make a mailbox with capacity ${String(options.capacity)}: wanted a whole number from 1 to ${unbounded} or "unbounded"`,
    );
  const overflow = options.overflow ?? standard.overflow;
  if (!policies.includes(overflow))
    throw new RangeError(
      `Cannot make a mailbox with overflow ${JSON.stringify(overflow)}: wanted one of ${policies.join(", ")}`,
    );
  return { capacity, overflow, priority: (options.priority as ((message: unknown) => number) | undefined) ?? null };
}
