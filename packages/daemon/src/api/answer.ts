import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { apiVersion, apiVersionHeader, type ConstellationError } from "@constellation/contract";
import type { ArtifactContent } from "../platform/index.ts";

const version = { [apiVersionHeader]: String(apiVersion) };

/** Answers with a whole body, or none. */
export function answer(response: ServerResponse, contentType?: string, body = "", status = 200): void {
  const type = contentType === undefined ? {} : { "content-type": contentType };
  response.writeHead(status, { ...version, ...type, "content-length": Buffer.byteLength(body) });
  response.end(body);
}

/** Answers with bytes as fast as the caller takes them; one who leaves before the end is no failure. */
export async function answerBytes(response: ServerResponse, { sizeBytes, bytes }: ArtifactContent): Promise<void> {
  response.writeHead(200, {
    ...version,
    "content-type": "application/octet-stream",
    "content-length": sizeBytes,
  });
  await pipeline(bytes, response).catch((error: unknown) => {
    if (!(error instanceof Error && "code" in error && error.code === "ERR_STREAM_PREMATURE_CLOSE")) throw error;
  });
}

/** Answers that a call failed; one whose answer has begun is cut. */
export function refuse(request: IncomingMessage, response: ServerResponse, error: ConstellationError): void {
  if (response.headersSent) return void response.destroy();
  if (!request.complete) {
    // What is still on its way is read and thrown away: a caller that is cut while it sends never sees the answer.
    response.setHeader("connection", "close");
    request.resume();
  }
  answer(response, "application/json", JSON.stringify(error.toJSON()), error.traits.status);
}

/** Begins an answer of lines that come bit by bit. */
export function beginLines(response: ServerResponse): void {
  response.writeHead(200, { ...version, "content-type": "application/x-ndjson" });
  response.flushHeaders();
}
