import { deserialize, serialize } from "node:v8";
import { checkPackets } from "../remote/packet.ts";
import type { Codec } from "../remote/transport.ts";

/** V8's structured clone as bytes: keeps dates, maps, sets, typed arrays, big integers. Between Nodes only. */
export const cloneCodec: Codec = {
  name: "structured-clone",
  encode: (packets) => serialize(packets),
  decode: (bytes) => checkPackets(deserialize(bytes)),
};
