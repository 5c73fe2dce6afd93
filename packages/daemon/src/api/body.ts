import { ConstellationError, type ErrorCode, formatBytes } from "@constellation/contract";

/** Largest JSON body; a spec of a thousand apps has a few hundred kilobytes. */
export const maxJsonBytes = 10_000_000;
/** Largest artifact: a script with all its packages. */
export const maxArtifactBytes = 256_000_000;

/**
 * The JSON value in a request's body.
 *
 * @throws ConstellationError `spec.too-large`, `request.invalid`
 */
export async function readJson(request: Request): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of boundedBody(request, maxJsonBytes, "spec.too-large")) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString("utf8");
  try {
    return JSON.parse(text === "" ? "{}" : text);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new ConstellationError("request.invalid", `The body of ${request.method} is not JSON: ${problem}`, { cause });
  }
}

/** The bytes of a request's body, refused as soon as they are more than `limitBytes`. */
export async function* boundedBody(
  request: Request,
  limitBytes: number,
  code: Extract<ErrorCode, "spec.too-large" | "artifact.too-large">,
): AsyncGenerator<Uint8Array, void, undefined> {
  refuseOver(Number(request.headers.get("content-length") ?? 0), limitBytes, code);
  if (request.body === null) return;
  let bytes = 0;
  for await (const chunk of request.body) {
    bytes += chunk.byteLength;
    refuseOver(bytes, limitBytes, code);
    yield chunk;
  }
}

function refuseOver(bytes: number, limitBytes: number, code: "spec.too-large" | "artifact.too-large"): void {
  if (bytes <= limitBytes) return;
  const what = code === "spec.too-large" ? "spec" : "artifact";
  throw new ConstellationError(
    code,
    `The body of the request has at least ${formatBytes(bytes)}, more than ${formatBytes(limitBytes)}`,
    { remedy: `Make the ${what} smaller; nothing was changed.`, details: { bytes, limitBytes } },
  );
}
