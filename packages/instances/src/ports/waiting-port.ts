import type { ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import { answerOf, type PortProcessOptions, startProgram, wordsOf } from "./spawn.ts";

/** After a start the machine belongs to what was started. */
const refillDelayMs = 200;
const endTimeoutMs = 1000;
/** Where the program shows what it was told, for `ps`. */
const roomForWords = " ".repeat(256);

/**
 * Keeps one port process waiting for its port: to start one takes Node two milliseconds, to tell one a quarter of that.
 * The one that waits takes 0.1 MB and ends with this process, however that comes.
 */
export class WaitingPort {
  #child: ChildProcess | null = null;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor() {
    this.#refillSoon();
  }

  /** The process that waits; null while none does. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /**
   * Opens a port with the process that waits; null when none does.
   *
   * @throws ConstellationError as `PortProcess.start`
   */
  async open(options: PortProcessOptions, signal?: AbortSignal): Promise<{ pid: number; port: number } | null> {
    const child = this.#child;
    this.#child = null;
    this.#refillSoon();
    if (child === null) return null;
    child.ref();
    child.stdin?.write(`${wordsOf(options).join("\0")}\0\0`);
    const served = await answerOf(child, options, signal);
    return served === "gone" ? null : served;
  }

  /** Ends what waits. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const child = this.#child;
    this.#child = null;
    if (child === null) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.ref();
    child.kill("SIGKILL");
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([ended, new Promise<void>((resolve) => (timer = setTimeout(resolve, endTimeoutMs)))]);
    clearTimeout(timer);
  }

  #refillSoon(): void {
    if (this.#closed) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#refill(), refillDelayMs).unref();
  }

  /** What prevents it the next port that is opened says in its own words. */
  #refill(): void {
    if (this.#child !== null) return;
    try {
      const child = startProgram(["wait", roomForWords], "pipe");
      const forget = (): void => {
        if (this.#child === child) this.#child = null;
      };
      child.once("error", forget).once("exit", forget);
      child.stdin?.on("error", forget);
      // Pipes of a child are sockets; one that waits shall keep nobody running.
      for (const handle of [child, child.stdin as Socket | null, child.stdout as Socket | null]) handle?.unref();
      this.#child = child;
    } catch {
      this.#child = null;
    }
  }
}
