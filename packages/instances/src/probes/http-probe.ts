import { request } from "node:http";
import type { ProbeResult } from "./probe-result.ts";
import type { ProbeTarget } from "./probe-target.ts";

/** What an http probe asks for. */
export interface HttpProbe {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * One GET. 200 to 399 is success, as in Kubernetes; redirects are not followed. The connection is not kept, nothing of
 * the body is read. The abort of `signal` is the time limit.
 */
export function probeHttp(target: ProbeTarget, probe: HttpProbe, signal: AbortSignal): Promise<ProbeResult> {
  const place =
    target.kind === "unix" ? { socketPath: target.path, host: "localhost" } : { host: target.host, port: target.port };
  return new Promise((resolve) => {
    const call = request({
      ...place,
      path: probe.path,
      method: "GET",
      headers: { "user-agent": "constellation-probe", accept: "*/*", connection: "close", ...probe.headers },
      agent: false,
      signal,
      // A server that sends endless headers is cut here.
      maxHeaderSize: 64 * 1024,
    });
    call.on("response", (response) => {
      const status = response.statusCode ?? 0;
      response.on("error", () => {}); // cut by us
      response.destroy();
      resolve({ ok: status >= 200 && status < 400, detail: `status ${status}` });
    });
    call.on("error", (error) => resolve({ ok: false, detail: describeFailure(error) }));
    // Node tells nothing else of an answer that turns to another protocol.
    call.on("close", () => resolve({ ok: false, detail: "the connection was closed without an answer" }));
    call.end();
  });
}

/** A connection failure in a few words. */
export function describeFailure(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const known: Readonly<Record<string, string>> = {
    ECONNREFUSED: "nothing listens there (ECONNREFUSED)",
    ENOENT: "nothing listens there yet (ENOENT)",
    ECONNRESET: "the connection was reset",
    EHOSTUNREACH: "its address cannot be reached (EHOSTUNREACH)",
    ABORT_ERR: "no answer in time",
  };
  return known[code] ?? (error instanceof Error ? error.message : String(error));
}
