import { connect } from "node:net";
import { describeFailure } from "./http-probe.ts";
import type { ProbeResult } from "./probe-result.ts";
import type { ProbeTarget } from "./probe-target.ts";

/** One connection, closed as soon as it is made. The abort of `signal` is the time limit. */
export function probeTcp(target: ProbeTarget, signal: AbortSignal): Promise<ProbeResult> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve({ ok: false, detail: "no connection in time" });
    const socket = target.kind === "unix" ? connect(target.path) : connect(target.port, target.host);
    const settle = (result: ProbeResult): void => {
      signal.removeEventListener("abort", late);
      socket.destroy();
      resolve(result);
    };
    const late = (): void => settle({ ok: false, detail: "no connection in time" });
    socket.once("connect", () => settle({ ok: true, detail: "connected" }));
    socket.on("error", (error) => settle({ ok: false, detail: describeFailure(error) }));
    signal.addEventListener("abort", late, { once: true });
  });
}
