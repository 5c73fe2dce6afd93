// A bank: every account is an entity that wakes when somebody needs it and keeps its balance through snapshots.
// A transfer is remembered by number, so that doing it again after a crash moves the money once.
import {
  Entities,
  type ActorRef,
  type ActorSystem,
  type EntityContext,
  type ReplyTo,
  type Snapshots,
} from "@constellation/actors";

/** "No" is an answer. */
export type Receipt =
  | { readonly kind: "booked"; readonly balanceCents: number }
  | { readonly kind: "declined"; readonly balanceCents: number };

export type AccountMessage =
  | {
      readonly type: "book";
      /** The same number is booked once. */
      readonly transfer: string;
      readonly cents: number;
      readonly replyTo: ReplyTo<Receipt>;
    }
  | { readonly type: "balance"; readonly replyTo: ReplyTo<number> }
  | { readonly type: "crash" };

interface Account {
  balanceCents: number;
  readonly booked: Map<string, number>;
}

export interface Bank {
  account(id: string): ActorRef<AccountMessage>;
  /** Moves money; safe to call again with the same number when it is not known whether it worked. */
  transfer(number: string, from: string, to: string, cents: number): Promise<Receipt>;
}

/** Opens a bank on `snapshots`. */
export function openBank(system: ActorSystem, snapshots: Snapshots): Bank {
  const entities = new Entities(system, { snapshots });
  const account = entities.define<AccountMessage, Account>("account", {
    create: () => ({ balanceCents: 0, booked: new Map() }),
    receive: handle,
    passivateAfterMs: 60_000,
  });
  const book = (id: string, transfer: string, cents: number): Promise<Receipt> =>
    account(id).ask<Receipt>((replyTo) => ({ type: "book", transfer, cents, replyTo }));
  return {
    account,
    async transfer(number, from, to, cents) {
      const taken = await book(from, `${number} out`, -cents);
      if (taken.kind === "declined") return taken;
      await book(to, `${number} in`, cents);
      return taken;
    },
  };
}

async function handle(state: Account, message: AccountMessage, context: EntityContext<AccountMessage>): Promise<void> {
  switch (message.type) {
    case "book": {
      const before = state.booked.get(message.transfer);
      if (before === undefined) {
        if (state.balanceCents + message.cents < 0) {
          message.replyTo.send({ kind: "declined", balanceCents: state.balanceCents });
          return;
        }
        state.balanceCents += message.cents;
        state.booked.set(message.transfer, message.cents);
        // Nothing is promised before it is safe.
        await context.save();
      }
      message.replyTo.send({ kind: "booked", balanceCents: state.balanceCents });
      return;
    }
    case "balance":
      message.replyTo.send(state.balanceCents);
      return;
    case "crash":
      throw new Error(`account ${context.id} was told to crash`);
  }
}
