/** The version of the wire format; both ends must speak the same. */
export const wireVersion = 1;

/** An exit reason as it travels: an error becomes its name, message and stack. */
export interface WireReason {
  readonly kind: "normal" | "shutdown" | "killed" | "error" | "noproc" | "noconnection";
  readonly detail?: unknown;
  readonly error?: WireError;
}

export interface WireError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
}

/** Everything that systems say to each other. `to` and `from` are ids of actors, `n` numbers of the sender. */
export type Packet =
  | { readonly kind: "hello"; readonly version: number; readonly name: string; readonly token: string }
  /** Messages in a row for one actor; `trace` is the W3C `traceparent` of all of them. */
  | { readonly kind: "send"; readonly to: number; readonly messages: unknown[]; readonly trace?: string }
  | { readonly kind: "reply"; readonly n: number; readonly value: unknown }
  | { readonly kind: "fail"; readonly n: number; readonly error: WireError; readonly code?: string }
  | { readonly kind: "monitor"; readonly n: number; readonly to: number }
  | { readonly kind: "demonitor"; readonly n: number }
  | { readonly kind: "down"; readonly n: number; readonly reason: WireReason }
  | { readonly kind: "link" | "unlink"; readonly from: number; readonly to: number }
  | { readonly kind: "exit"; readonly from: number; readonly to: number; readonly reason: WireReason }
  | { readonly kind: "stop"; readonly to: number; readonly reason: WireReason }
  | { readonly kind: "where-is"; readonly n: number; readonly name: string }
  | {
      readonly kind: "spawn";
      readonly n: number;
      readonly behavior: string;
      readonly args: unknown;
      readonly name: string | null;
    }
  /** So many of the other's messages have been taken out of the transport. */
  | { readonly kind: "taken"; readonly count: number };

const kinds: readonly string[] = [
  "hello",
  "send",
  "reply",
  "fail",
  "monitor",
  "demonitor",
  "down",
  "link",
  "unlink",
  "exit",
  "stop",
  "where-is",
  "spawn",
  "taken",
];

/** Checks what came from outside. @throws TypeError for anything that is no list of packets */
export function checkPackets(value: unknown): Packet[] {
  if (!Array.isArray(value)) throw new TypeError(`Cannot read packets: wanted a list, found ${typeof value}`);
  for (const item of value as unknown[]) checkPacket(item);
  return value as Packet[];
}

function checkPacket(item: unknown): void {
  const packet = item as Record<string, unknown> | null;
  if (typeof packet !== "object" || packet === null || !kinds.includes(packet["kind"] as string))
    throw new TypeError("Cannot read a packet: wanted an object with a kind of this wire version");
  for (const field of ["to", "from", "n", "count", "version"])
    if (packet[field] !== undefined && !Number.isSafeInteger(packet[field]))
      throw new TypeError(`Cannot read a ${String(packet["kind"])} packet: ${field} is no whole number`);
  if (packet["kind"] === "send" && !Array.isArray(packet["messages"]))
    throw new TypeError("Cannot read a send packet: messages is no list");
  for (const field of ["behavior", "token", "trace"])
    if (packet[field] !== undefined && typeof packet[field] !== "string")
      throw new TypeError(`Cannot read a ${String(packet["kind"])} packet: ${field} is no text`);
}
