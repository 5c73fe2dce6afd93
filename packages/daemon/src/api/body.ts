import type { IncomingMessage } from "node:http";
import { type bodyLimits, checkBodySize, ConstellationError } from "@constellation/contract";

/**
 * The JSON value in a request's body.
 *
 * @throws ConstellationError `spec.too-large`, `request.invalid`
 */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const text = (await wholeBody(request)).toString("utf8");
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

/** Everything in a request's body. By events: for the few bytes of a spec an iterator costs more than all the rest. */
function wholeBody(request: IncomingMessage): Promise<Buffer> {
  const announcedBytes = Number(request.headers["content-length"]);
  checkBodySize(announcedBytes || 0, "spec.too-large");
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    const whole = (): void => resolve(Buffer.concat(chunks));
    const take = (chunk: Uint8Array): void => {
      bytes += chunk.byteLength;
      chunks.push(chunk);
      try {
        checkBodySize(bytes, "spec.too-large");
      } catch (error) {
        // Refused midway, the connection is still needed for saying so.
        request.off("data", take).pause();
        reject(error);
      }
      if (bytes === announcedBytes) whole();
    };
    request.on("data", take);
    // One that says how long it is need not wait for Node to say that it has ended.
    if (!(announcedBytes > 0)) request.once("end", whole);
    request.once("error", reject);
    request.once("close", () => {
      if (!request.readableEnded) reject(new Error("the caller went away before its request was whole"));
    });
  });
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
