import { checkPackets, type Packet } from "./packet.ts";
import { SerializationError, type Codec } from "./transport.ts";

/** JSON: readable, everywhere. Takes only what JSON can give back unchanged, anything else is an error to the sender. */
export const jsonCodec: Codec = {
  name: "json",
  check: (message) => {
    // Nothing at all arrives as nothing at all: its field is left out.
    if (message !== undefined) checkJson(message, "message");
  },
  encode: (packets) => new TextEncoder().encode(JSON.stringify(packets)),
  decode: (bytes) => checkPackets(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes))),
};

/** What a MessagePack library has to offer; `msgpackr` with `structuredClone: true` and `moreTypes: true` fits. */
export interface MessagePackLibrary {
  pack(value: unknown): Uint8Array;
  unpack(bytes: Uint8Array): unknown;
}

/**
 * MessagePack through a library of your choice.
 *
 * @example
 * import { Packr } from "msgpackr";
 * const codec = messagePackCodec(new Packr({ structuredClone: true, moreTypes: true }));
 */
export function messagePackCodec(library: MessagePackLibrary): Codec {
  return {
    name: "messagepack",
    encode: (packets: readonly Packet[]) => library.pack(packets),
    decode: (bytes) => checkPackets(library.unpack(bytes)),
  };
}

function checkJson(value: unknown, path: string): void {
  switch (typeof value) {
    case "string":
    case "boolean":
      return;
    case "number":
      if (Number.isFinite(value) && !Object.is(value, -0)) return;
      break;
    case "object":
      if (value === null) return;
      if (Array.isArray(value)) {
        for (const [index, item] of value.entries()) checkJson(item, `${path}[${index}]`);
        return;
      }
      if (Object.getPrototypeOf(value) === Object.prototype) {
        for (const [key, item] of Object.entries(value)) checkJson(item, `${path}.${key}`);
        return;
      }
      break;
    default:
  }
  throw new SerializationError(`Cannot send ${describe(value)} at ${path} as JSON: it would not arrive as it is`);
}

function describe(value: unknown): string {
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? "-0" : String(value);
  return `a ${(Object.getPrototypeOf(value) as { constructor?: { name: string } } | null)?.constructor?.name ?? "null-prototype object"}`;
}
