import { type bodyLimits, checkBodySize, ConstellationError } from "@constellation/contract";

/**
 * The JSON value in a request's body.
 *
 * @throws ConstellationError `spec.too-large`, `request.invalid`
 */
export async function readJson(request: Request): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of boundedBody(request, "spec.too-large")) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString("utf8");
  try {
    return JSON.parse(text === "" ? "{}" : text);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new ConstellationError("request.invalid", `The body of ${request.method} is not JSON: ${problem}`, { cause });
  }
}

/** The bytes of a request's body, refused as soon as they are too many. */
export async function* boundedBody(
  request: Request,
  code: keyof typeof bodyLimits,
): AsyncGenerator<Uint8Array, void, undefined> {
  checkBodySize(Number(request.headers.get("content-length") ?? 0), code);
  if (request.body === null) return;
  let bytes = 0;
  for await (const chunk of request.body) {
    bytes += chunk.byteLength;
    checkBodySize(bytes, code);
    yield chunk;
  }
}
