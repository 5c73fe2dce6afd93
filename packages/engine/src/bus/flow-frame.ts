/** What the sender of a flow says. */
export type FlowFrame =
  | { readonly kind: "data"; readonly sequence: number; readonly bytes: Uint8Array }
  | { readonly kind: "end"; readonly sequence: number }
  | { readonly kind: "abort"; readonly reason: string }
  | { readonly kind: "alive" };

/** What its receiver says: how many bytes may have been sent in all, that everything was taken, or to stop. */
export type FlowAnswer =
  | { readonly kind: "grant"; readonly totalBytes: number }
  | { readonly kind: "taken" }
  | { readonly kind: "stop"; readonly reason: string };

/** A frame counts at least so many bytes of credit, so that many tiny ones cannot overrun a queue. */
export const minFrameCost = 64;
/** Bytes of data in one frame at most. */
export const maxFrameBytes = 64 * 1024;

const frameKinds = ["data", "end", "abort", "alive"] as const;
const answerKinds = ["grant", "taken", "stop"] as const;

/** One byte of kind, eight of number, the rest is data or text. */
export function encodeFrame(frame: FlowFrame): Uint8Array {
  const number = "sequence" in frame ? frame.sequence : 0;
  const rest = frame.kind === "data" ? frame.bytes : Buffer.from("reason" in frame ? frame.reason : "");
  return encode(frameKinds.indexOf(frame.kind), number, rest);
}

export function decodeFrame(body: Uint8Array): FlowFrame | undefined {
  const decoded = decode(body);
  const kind = frameKinds[decoded?.kind ?? -1];
  if (decoded === undefined || kind === undefined) return undefined;
  if (kind === "data") return { kind, sequence: decoded.number, bytes: decoded.rest };
  if (kind === "end") return { kind, sequence: decoded.number };
  return kind === "abort" ? { kind, reason: Buffer.from(decoded.rest).toString("utf8") } : { kind };
}

export function encodeAnswer(answer: FlowAnswer): Uint8Array {
  const number = answer.kind === "grant" ? answer.totalBytes : 0;
  return encode(answerKinds.indexOf(answer.kind), number, Buffer.from(answer.kind === "stop" ? answer.reason : ""));
}

export function decodeAnswer(body: Uint8Array): FlowAnswer | undefined {
  const decoded = decode(body);
  const kind = answerKinds[decoded?.kind ?? -1];
  if (decoded === undefined || kind === undefined) return undefined;
  if (kind === "grant") return { kind, totalBytes: decoded.number };
  return kind === "stop" ? { kind, reason: Buffer.from(decoded.rest).toString("utf8") } : { kind };
}

function encode(kind: number, number: number, rest: Uint8Array): Uint8Array {
  const body = new Uint8Array(9 + rest.byteLength);
  const view = new DataView(body.buffer);
  view.setUint8(0, kind);
  view.setFloat64(1, number);
  body.set(rest, 9);
  return body;
}

function decode(body: Uint8Array): { kind: number; number: number; rest: Uint8Array } | undefined {
  if (body.byteLength < 9) return undefined;
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  return { kind: view.getUint8(0), number: view.getFloat64(1), rest: body.subarray(9) };
}
