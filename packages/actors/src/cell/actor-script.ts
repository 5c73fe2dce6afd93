import type { Behavior } from "../vocabulary/behavior.ts";
import { readMailboxOptions, type MailboxLimits, type MailboxOptions } from "../vocabulary/mailbox-options.ts";
import type { Interpreter, Script } from "./cell.ts";

/** What a script is made from; what is missing does nothing. */
export type ScriptParts = Partial<Omit<Script, "limits" | "interpreter">> &
  Pick<Script, "receive"> & { readonly mailbox?: MailboxOptions<never> };

/** A behaviour in a fixed shape, so that one call site serves every kind of actor at full speed. */
export class ActorScript implements Behavior<unknown, unknown>, Script {
  readonly kind: string;
  readonly receive: Script["receive"];
  readonly onStart: Script["onStart"];
  readonly onRestart: Script["onRestart"];
  readonly onSignal: Script["onSignal"];
  readonly onStop: Script["onStop"];
  readonly trapExits: boolean;
  readonly limits: MailboxLimits;
  readonly interpreter: Interpreter | null;

  constructor(parts: ScriptParts, interpreter: Interpreter | null = null) {
    this.kind = parts.kind ?? "actor";
    this.receive = parts.receive;
    this.onStart = parts.onStart ?? null;
    this.onRestart = parts.onRestart ?? null;
    this.onSignal = parts.onSignal ?? null;
    this.onStop = parts.onStop ?? null;
    this.trapExits = parts.trapExits ?? false;
    this.limits = readMailboxOptions(parts.mailbox);
    this.interpreter = interpreter;
  }
}
