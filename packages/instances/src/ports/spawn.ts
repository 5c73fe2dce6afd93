import { type ChildProcess, spawn } from "node:child_process";
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
export async function spawnPort(
  options: PortProcessOptions,
  signal?: AbortSignal,
): Promise<{ pid: number; port: number }> {
  const served = await answerOf(startProgram(wordsOf(options), "ignore"), options, signal);
  if (served === "gone") throw startFailure("", options, options.folder);
  return served;
}

/** Runs the program of port processes. Where no descriptor is left it has no pipes, and its "error" says so. */
export function startProgram(words: readonly string[], input: "ignore" | "pipe"): ChildProcess {
  return spawn(launchBinary("port"), words, { detached: true, env: {}, cwd: "/", stdio: [input, "pipe", "ignore"] });
}

/** What the program is told about its port. */
export function wordsOf(options: PortProcessOptions): string[] {
  const { folder, sharing, holders = [], backlog = 4096, maxConnections = 10_000, holdMs = 10_000 } = options;
  const mode = sharing === "forwarded" ? "forward" : "share";
  return [folder, formatEndpoint(options), backlog, mode, maxConnections, holdMs, ...holders].map(String);
}

/**
 * Waits until a port process serves; "gone" when it ended without a word.
 *
 * @throws ConstellationError as `PortProcess.start`; the process is ended then
 */
export function answerOf(
  child: ChildProcess,
  options: PortProcessOptions,
  signal?: AbortSignal,
): Promise<{ pid: number; port: number } | "gone"> {
  return new Promise((resolve, reject) => {
    let text = "";
    const settle = (act: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", cancel);
      child.stdin?.destroy();
      child.stdout?.destroy();
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
    child.stdout?.setEncoding("utf8");
    child.stdout?.on("data", (chunk: string) => {
      text += chunk;
      if (!text.includes("\n")) return;
      const [, pid, port] = /^ok (\d+) (\d+)\n/.exec(text) ?? [];
      settle(() => {
        if (pid === undefined) reject(startFailure(text.trim(), options, options.folder));
        else resolve({ pid: Number(pid), port: Number(port) });
      });
    });
    child.stdout?.once("end", () =>
      settle(() => (text === "" ? resolve("gone") : reject(startFailure(text.trim(), options, options.folder)))),
    );
    if (signal?.aborted) cancel();
    else signal?.addEventListener("abort", cancel, { once: true });
  });
}
