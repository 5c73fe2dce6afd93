import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { ConstellationError } from "@constellation/contract";
import { ask, controlSocket, isAbsent, saysAbsent } from "./control.ts";
import { type Endpoint, formatEndpoint } from "./endpoint.ts";
import type { Sharing } from "./sharing.ts";
import { type PortProcessOptions, spawnPort } from "./spawn.ts";
import { parseStats, type PortStats } from "./stats.ts";
import type { WaitingPort } from "./waiting-port.ts";

/** Instances that one port process sends connections to (launcher/port.h). */
export const mostBackends = 128;

const answerTimeoutMs = 2000;
/** Time after which a port process that could not be asked whether it lives is asked again. */
const lookAgainMs = 1000;
const protocol = "constellation-port 1";

/** For calls that wait. */
export interface Cancellable {
  readonly signal?: AbortSignal;
}

/**
 * The process that owns one public port of an app (launcher/port.c). It is nobody's child: it lives until it is closed,
 * and whoever knows its folder can adopt it. An object of this class is only a way to speak with it.
 *
 * @example
 * const port = await PortProcess.start({ folder, address: "127.0.0.1", port: 8080, sharing: "forwarded" });
 * await port.setBackends([{ address: "127.0.0.1", port: 20001 }]);
 */
export class PortProcess implements Endpoint {
  readonly folder: string;
  readonly pid: number;
  readonly address: string;
  readonly port: number;

  private constructor(folder: string, { pid, address, port }: Endpoint & { readonly pid: number }) {
    this.folder = folder;
    this.pid = pid;
    this.address = address;
    this.port = port;
  }

  /**
   * Opens the port, by the process that waits where there is one. Resolves when connections are accepted, by the kernel
   * at least.
   * @throws `port.in-use` (with the owner where it can be found), `access.denied`, `spec.invalid`, `state.conflict`
   *   when a port process serves this folder already
   */
  static async start(
    options: PortProcessOptions,
    { signal, waiting }: Cancellable & { readonly waiting?: WaitingPort | null } = {},
  ): Promise<PortProcess> {
    controlSocket(options.folder);
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
    const { pid, port } = (await waiting?.open(options, signal)) ?? (await spawnPort(options, signal));
    return new PortProcess(options.folder, { pid, port, address: options.address });
  }

  /** Speaks again with the port process that somebody started in this folder; undefined when none lives there. */
  static async adopt(folder: string, { signal }: Cancellable = {}): Promise<PortProcess | undefined> {
    if (!existsSync(controlSocket(folder))) return undefined;
    try {
      const answer = await ask({ folder, request: "ping", timeoutMs: answerTimeoutMs, signal });
      if (answer !== protocol)
        throw new ConstellationError(
          "platform.unsupported",
          `The port process in ${folder} speaks "${answer}", wanted "${protocol}"`,
        );
      const stats = parseStats(await ask({ folder, request: "stats", timeoutMs: answerTimeoutMs, signal }));
      return new PortProcess(folder, stats);
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  /** Where instances ask for the listening descriptor. */
  get socketFile(): string {
    return controlSocket(this.folder);
  }

  /** Changes how connections reach the instances; those that are open stay as they are. */
  async setSharing(sharing: Sharing, options?: Cancellable): Promise<void> {
    await this.#ask(`mode ${sharing === "forwarded" ? "forward" : "share"}`, options);
  }

  /** Replaces the list at once; a backend that is no longer in it keeps the connections it has. At most {@link mostBackends}. */
  async setBackends(backends: readonly Endpoint[], options?: Cancellable): Promise<void> {
    await this.#ask(["backends", ...backends.map(formatEndpoint)].join(" "), options);
  }

  /** Gives a backend no new connection and waits for the end of those it has. Resolves to how many were left after `timeoutMs`. */
  async drain(
    backend: Endpoint,
    { timeoutMs, ...options }: Cancellable & { readonly timeoutMs: number },
  ): Promise<number> {
    return Number(await this.#ask(`drain ${formatEndpoint(backend)} ${Math.ceil(timeoutMs)}`, options, timeoutMs));
  }

  async stats(options?: Cancellable): Promise<PortStats> {
    return parseStats(await this.#ask("stats", options));
  }

  /**
   * Frees the port at once, lets forwarded connections finish for `graceMs`, then ends the process.
   * Resolves to how many were cut; a port process that is gone already has none.
   */
  async close({ graceMs = 0, ...options }: Cancellable & { readonly graceMs?: number } = {}): Promise<number> {
    try {
      return Number(await this.#ask(`close ${Math.ceil(graceMs)}`, options, graceMs));
    } catch (error) {
      if (!isAbsent(error)) throw error;
      this.endUnreachable();
      return 0;
    }
  }

  /** Ends the process where somebody deleted its control socket: nobody can tell it anything any more, and it keeps the port. */
  endUnreachable(): void {
    if (!existsSync(this.socketFile) && this.#lives()) process.kill(this.pid, "SIGKILL");
  }

  /** Its number may be another one's by now; what it was told, which `ps` shows, names its folder. */
  #lives(): boolean {
    try {
      const words = readFileSync(`/proc/${this.pid}/cmdline`, "utf8").replaceAll("\0", " ");
      return words.includes(` ${this.folder} `);
    } catch {
      return false;
    }
  }

  /** Resolves when the process has ended, however that came; for its supervisor. @throws `call.cancelled` */
  async ended({ signal }: Cancellable = {}): Promise<void> {
    for (;;) {
      const found = await this.#hangsOn(signal);
      if (found === "absent") return;
      // Its control socket dropped us for a newer requester, and it lives; or we have no descriptor to ask it.
      if (found === "unknown") await sleep(lookAgainMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  #ask(request: string, { signal }: Cancellable = {}, patienceMs = 0): Promise<string> {
    return ask({ folder: this.folder, request, timeoutMs: answerTimeoutMs + patienceMs, signal });
  }

  /** Holds a connection until it breaks, when somebody can be reached at all. */
  #hangsOn(signal: AbortSignal | undefined): Promise<"reached" | "absent" | "unknown"> {
    return new Promise((resolve, reject) => {
      let found: "reached" | "absent" | "unknown" = "unknown";
      const socket = connect(this.socketFile, () => (found = "reached"));
      const cancel = () => {
        socket.destroy();
        reject(
          new ConstellationError("call.cancelled", `Stopped watching port ${this.port}`, { cause: signal?.reason }),
        );
      };
      // "close" follows
      socket.on("error", ({ code }: NodeJS.ErrnoException) => {
        if (found !== "reached" && saysAbsent(code)) found = "absent";
      });
      socket.once("close", () => {
        signal?.removeEventListener("abort", cancel);
        resolve(found);
      });
      socket.resume();
      if (signal?.aborted) cancel();
      else signal?.addEventListener("abort", cancel, { once: true });
    });
  }
}
