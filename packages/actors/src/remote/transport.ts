import type { Packet } from "./packet.ts";

/** How messages are made ready for a transport. */
export interface Codec {
  readonly name: string;
  /** @throws SerializationError when the message would not arrive as it is; everything passes when this is missing */
  check?(message: unknown): void;
  /** @throws Error when the packets cannot be written */
  encode(packets: readonly Packet[]): Uint8Array;
  /** @throws Error when the bytes are not what `encode` makes */
  decode(bytes: Uint8Array): Packet[];
}

/** What a connection wants to hear from its transport. */
export interface TransportEvents {
  packets(packets: readonly Packet[]): void;
  /** No packet will come or go any more; `error` says why unless it was closed in order. */
  closed(error: Error | null): void;
}

/**
 * Carries packets to one other system, in order, each at most once. Implementations batch what they are given and
 * need not keep anything when the connection is lost: the connection above reports it.
 */
export interface Transport {
  /** Called once, before the first `send`. */
  open(events: TransportEvents): void;
  /** @throws SerializationError when the message cannot travel; everything passes when this is missing */
  check?(message: unknown): void;
  /** @throws Error, and has sent nothing, when the packets cannot be written */
  send(packets: readonly Packet[]): void;
  close(): void;
}

/** A message cannot leave this system. */
export class SerializationError extends Error {
  override readonly name = "SerializationError";
}
