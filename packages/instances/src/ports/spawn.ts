import { spawn } from "node:child_process";
import { ConstellationError } from "@constellation/contract";
import { launchBinary } from "../binary.ts";
import { type Endpoint, formatEndpoint } from "./endpoint.ts";
import type { Sharing } from "./sharing.ts";
import { startFailure } from "./start-failure.ts";

const startTimeoutMs = 5000;

/** How a port process is started; every setting is for its whole life. */
export interface PortProcessOptions extends Endpoint {
  /** Folder of its control socket, one for each port process; made when it is not there. */
  readonly folder: string;
  readonly sharing: Sharing;
  /**
   * Processes that may still have the listening socket of a port process that was killed. It is taken back from the first
   * that has it, where the kernel lets us (Linux 5.6, the right to trace that process); else the port is opened anew.
   */
  readonly holders?: readonly number[];
  /**
   * Connections that the kernel holds until somebody accepts them. Beyond, new ones are dropped and tried again by the
   * peer; the kernel lowers it to net.core.somaxconn. @default 4096
   */
  readonly backlog?: number;
  /** Forwarded connections at once. Each costs two descriptors and 120 bytes; beyond, they wait in the backlog. @default 10000 */
  readonly maxConnections?: number;
  /** How long a forwarded connection waits for a backend that takes it. 0: it is reset at once. @default 10000 */
  readonly holdMs?: number;
}

/** Starts the program in a session of its own, with an empty environment, and resolves to its pid and port when it serves. */
export function spawnPort(options: PortProcessOptions, signal?: AbortSignal): Promise<{ pid: number; port: number }> {
  const { folder, sharing, holders = [], backlog = 4096, maxConnections = 10_000, holdMs = 10_000 } = options;
  const words = [
    folder,
    formatEndpoint(options),
    backlog,
    sharing === "forwarded" ? "forward" : "share",
    maxConnections,
    holdMs,
    ...holders,
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(launchBinary("port"), words.map(String), {
      detached: true,
      env: {},
      cwd: "/",
      stdio: ["ignore", "pipe", "ignore"],
    });
    let text = "";
    const settle = (act: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", cancel);
      child.stdout.destroy();
      child.unref();
      act();
    };
    const giveUp = (error: ConstellationError) => {
      child.kill("SIGKILL");
      settle(() => reject(error));
    };
    const cancel = () =>
      giveUp(
        new ConstellationError("call.cancelled", `Cancelled opening port ${options.port}`, { cause: signal?.reason }),
      );
    const timer = setTimeout(
      () =>
        giveUp(new ConstellationError("call.timeout", `Port ${options.port} did not open within ${startTimeoutMs} ms`)),
      startTimeoutMs,
    );
    child.once("error", (cause) =>
      settle(() =>
        reject(
          new ConstellationError("instance.start-failed", `Cannot start the port process: ${cause.message}`, { cause }),
        ),
      ),
    );
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (chunk: string) => {
      text += chunk;
      if (!text.includes("\n")) return;
      const [, pid, port] = /^ok (\d+) (\d+)\n/.exec(text) ?? [];
      settle(() => {
        if (pid === undefined) reject(startFailure(text.trim(), options, folder));
        else resolve({ pid: Number(pid), port: Number(port) });
      });
    });
    child.stdout.once("end", () => settle(() => reject(startFailure(text.trim(), options, folder))));
    if (signal?.aborted) cancel();
    else signal?.addEventListener("abort", cancel, { once: true });
  });
}
