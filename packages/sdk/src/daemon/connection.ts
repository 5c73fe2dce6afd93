import type { IncomingMessage } from "node:http";
import { ConstellationError, type Places, type RouteName } from "@constellation/contract";
import { callDaemon, type CallInput, isRead } from "../client/transport.ts";
import { currentPlaces, daemonEnvironment } from "./locate.ts";
import { SharedCall } from "./shared-call.ts";

/** Which daemon, and whether it may be started. */
export interface ConnectionOptions {
  /** Folder of the daemon's state and socket; without it the place of this user's daemon. */
  readonly home?: string | undefined;
  readonly network?: "prepare" | "as-is" | undefined;
  /** @default true */
  readonly start?: boolean | undefined;
  /** Time the daemon may take to start. @default 15000 */
  readonly timeoutMs?: number | undefined;
}

/** The way to a daemon, which is started when it is first needed, and again when it has gone. */
export class Connection {
  readonly #options: ConnectionOptions;
  #places: Places | null = null;
  #ready: SharedCall | null = null;

  constructor(options: ConnectionOptions = {}) {
    this.#options = options;
  }

  get places(): Places {
    return (this.#places ??= currentPlaces(this.#options.home));
  }

  /** Resolves when a daemon answers, or none is to be started. @throws ConstellationError `daemon.start-failed`, `call.cancelled` */
  async open(signal: AbortSignal | undefined): Promise<void> {
    if (this.#options.start === false) return;
    const start = (this.#ready ??= new SharedCall((until) => this.#start(until)));
    try {
      await start.wait(signal);
    } catch (error) {
      if (start.isVain) this.#forget(start);
      throw error;
    }
  }

  /** Calls the daemon. @throws as `callDaemon` and {@link open} */
  call(name: RouteName, input: CallInput): Promise<IncomingMessage> {
    return this.reach(input.signal, () => callDaemon(this.places.socketPath, name, input), isRead(name));
  }

  /**
   * Asks a daemon that answers. One that has gone meanwhile is looked for, and started, anew, and asked once more where that
   * does nothing twice: where nothing can have reached it, or `again` says that it may be.
   */
  async reach<T>(signal: AbortSignal | undefined, ask: () => Promise<T>, again = false): Promise<T> {
    await this.open(signal);
    const start = this.#ready;
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ConstellationError) || error.traits.retryable) this.#forget(start);
      if (start === null || !isGone(error, again)) throw error;
      await this.open(signal);
      return ask();
    }
  }

  /** The next call looks for a daemon again. */
  close(): void {
    this.#ready = null;
  }

  /** Of many calls that fail together the first one forgets: what the others find is a new start. */
  #forget(start: SharedCall | null): void {
    if (this.#ready === start) this.#ready = null;
  }

  async #start(signal: AbortSignal): Promise<boolean> {
    const { ensureDaemon } = await import("./start.ts");
    const { home, network, timeoutMs = 15_000 } = this.#options;
    return ensureDaemon(this.places, { environment: daemonEnvironment(home, network), timeoutMs, signal });
  }
}

/** Nobody listened; or, which is enough where asking again harms nobody, the answer did not come. */
function isGone(error: unknown, again: boolean): boolean {
  if (!(error instanceof ConstellationError) || error.code !== "daemon.unreachable") return false;
  const errno = error.details?.["errno"];
  return again || errno === "ECONNREFUSED" || errno === "ENOENT";
}
