import type { ForeignRef } from "../cell/cell.ts";
import type { ActorSystem } from "../system/system.ts";
import type { SendOutcome } from "../vocabulary/actor-ref.ts";
import type { Packet } from "./packet.ts";
import type { Ties } from "./ties.ts";
import type { Border } from "./wire-values.ts";

/** What the parts of a connection need of it. */
export interface Line extends Border {
  readonly system: ActorSystem;
  /** The name that the other system gave itself. */
  readonly peer: string;
  readonly ties: Ties;
  post(packet: Packet): void;
  /** @throws SerializationError when what the packet carries cannot travel */
  postChecked(packet: Packet & { kind: "reply" | "spawn" }): void;
  /** @throws SerializationError when the message cannot travel */
  sendTo(ref: ForeignRef, message: unknown): SendOutcome;
  /** Waits until one more message may be under way. */
  room(signal: AbortSignal | undefined): Promise<void>;
  /** The other end has taken so many messages. */
  repay(count: number): void;
  /** The answer to number `n`. */
  answered(n: number, value: unknown): void;
  failed(n: number, error: unknown): void;
}
