import { mkdtempSync, rmSync } from "node:fs";
import { request, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type ApiServer, serveApi, type ServeOptions } from "../../src/api/index.ts";
import { MemoryPlatform } from "./memory-platform.ts";

/** A served API over a platform in memory, closed when the test ends. */
export interface Served {
  readonly platform: MemoryPlatform;
  readonly socketPath: string;
  readonly server: ApiServer;
  readonly faults: unknown[];
  readonly call: (method: string, path: string, body?: unknown) => Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  json: () => unknown;
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "constellation-api-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export async function served(options: Partial<ServeOptions> = {}, platform = new MemoryPlatform()): Promise<Served> {
  const socketPath = join(temporaryFolder(), "run", "daemon.sock");
  const faults: unknown[] = [];
  const server = await serveApi(platform, { socketPath, report: (_, fault) => faults.push(fault), ...options });
  onTestFinished(() => server.close(200));
  return { platform, socketPath, server, faults, call: (...args) => call(socketPath, ...args) };
}

function call(socketPath: string, method: string, path: string, body?: unknown): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const raw = body instanceof Uint8Array ? body : body === undefined ? "" : JSON.stringify(body);
    const sent = request({ socketPath, method, path, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          json: (): unknown => JSON.parse(text),
        });
      });
    });
    sent.on("error", reject);
    sent.end(raw);
  });
}
