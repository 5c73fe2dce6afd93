import type { IncomingMessage } from "node:http";
import { type bodyLimits, checkBodySize, ConstellationError } from "@constellation/contract";

/**
 * The JSON value in a request's body.
 *
 * @throws ConstellationError `spec.too-large`, `request.invalid`
 */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of boundedBody(request, "spec.too-large")) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString("utf8");
  try {
    return JSON.parse(text === "" ? "{}" : text);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new ConstellationError(
      "request.invalid",
      `The body of ${request.method ?? "a request"} is not JSON: ${problem}`,
      { cause },
    );
  }
}

/** The bytes of a request's body, refused as soon as they are too many. */
export async function* boundedBody(
  request: IncomingMessage,
  code: keyof typeof bodyLimits,
): AsyncGenerator<Uint8Array, void, undefined> {
  checkBodySize(Number(request.headers["content-length"] ?? 0), code);
  let bytes = 0;
  // Refused midway, the connection is still needed for saying so.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    checkBodySize(bytes, code);
    yield chunk;
  }
}
