import { closeSync, openSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { type LeaseAnswer, leaseLineBytes, type LeaseCall, type LeaseRequest } from "@constellation/contract";
import type { CgroupLocation } from "@constellation/host";
import type { Level } from "../policy/level.ts";
import { parseAnswer } from "./answer.ts";
import type { Lease } from "./lease.ts";
import { onLines } from "./lines.ts";

/** What becomes of a run that asks to go on. */
export type Permission = "go" | "no-daemon" | "cancelled";

export interface DaemonLeaseOptions {
  readonly socketPath: string;
  readonly request: Omit<LeaseRequest, "kind" | "phase">;
  readonly signal?: AbortSignal | undefined;
  readonly note: (text: string) => void;
  /** How long a stopped run waits for a daemon that has gone. @default 60_000 */
  readonly lostMs?: number;
}

const reconnectMs = 500;
/** A daemon that is started anew, or hangs, is waited for so long by runs that it has not let in: all at once would be too many. */
const waitingLostMs = 5000;
const reportEveryMs = 1000;

/**
 * A run's lease with the daemon of this machine. It lasts as long as the connection; when that breaks the run protects
 * itself, and comes back to whoever listens there next.
 */
export class DaemonLease implements Lease {
  ports: readonly number[] = [];
  readonly #options: DaemonLeaseOptions;
  #socket: Socket | undefined;
  #phase: LeaseRequest["phase"] = "waiting";
  #bounds: readonly string[] = [];
  #yields = true;
  #attempt: Extract<LeaseCall, { kind: "started" }> | undefined;
  #reportedAt = 0;
  #proof: number | undefined;
  #retry: NodeJS.Timeout | undefined;
  #isOver = false;
  #hasAnswered = false;
  #settle: ((permission: Permission) => void) | undefined;

  constructor(options: DaemonLeaseOptions) {
    this.#options = options;
  }

  /** Asks to be let in; waits as long as the daemon says so. */
  async enter(): Promise<Permission> {
    if (!(await this.#connect())) return "no-daemon";
    return this.#permission(waitingLostMs);
  }

  /** Says that this run was stopped for the machine's sake, and waits to be called back. */
  async park(): Promise<Permission> {
    this.#phase = "parked";
    this.#attempt = undefined;
    this.#say({ kind: "parked" });
    return this.#permission(this.#options.lostMs ?? 60_000);
  }

  shielded(): readonly string[] {
    return this.#socket === undefined || this.#yields ? [] : this.#bounds;
  }

  started(run: string, group: CgroupLocation | undefined): void {
    this.#phase = "running";
    this.#attempt = { kind: "started", run, group: group === undefined ? null : { ...group } };
    this.#say(this.#attempt);
  }

  report(treeBytes: number, level: Level): void {
    const now = performance.now();
    if (now - this.#reportedAt < reportEveryMs) return;
    this.#reportedAt = now;
    this.#say({ kind: "report", treeBytes, level });
  }

  /** Goes without giving the lease back: to the daemon that is a runner which has died. */
  leave(): void {
    this.#isOver = true;
    this.#socket?.destroy();
    this.#socket = undefined;
    this.#settle?.("cancelled");
  }

  /** Gives the lease back. */
  async end(): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#retry);
    this.#dropProof();
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#say({ kind: "ended" });
    await new Promise<void>((resolve) => {
      const cut = setTimeout(() => socket.destroy(), 500);
      socket.once("close", () => {
        clearTimeout(cut);
        resolve();
      });
      socket.ref();
      socket.end();
    });
  }

  /** Settles when the daemon says go, when the caller gives up, or when there has been no daemon for `lostMs`. */
  async #permission(lostMs: number): Promise<Permission> {
    const { signal } = this.#options;
    this.#socket?.ref();
    let lostSinceMs: number | undefined;
    // The connection alone does not keep a process alive while it is being made again.
    const alive = setInterval(() => {
      if (this.#socket !== undefined && this.#hasAnswered) lostSinceMs = undefined;
      else if (performance.now() - (lostSinceMs ??= performance.now()) >= lostMs) this.#settle?.("no-daemon");
    }, 100);
    const cancel = (): void => this.#settle?.("cancelled");
    signal?.addEventListener("abort", cancel, { once: true });
    const permission = await new Promise<Permission>((resolve) => {
      this.#settle = resolve;
      if (signal?.aborted === true) resolve("cancelled");
    });
    this.#settle = undefined;
    clearInterval(alive);
    signal?.removeEventListener("abort", cancel);
    this.#socket?.unref();
    if (permission === "go") this.#phase = "running";
    return permission;
  }

  #connect(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.#options.socketPath);
      socket.once("error", () => resolve(false));
      socket.once("connect", () => {
        this.#socket = socket;
        this.#yields = true;
        this.#hasAnswered = false;
        // Not before it is connected: one that is refused has nothing to lose.
        socket.once("close", () => this.#lost());
        socket.on("error", () => undefined);
        onLines(socket, leaseLineBytes, (line) => this.#hear(parseAnswer(line)));
        this.#introduce();
        resolve(true);
      });
    });
  }

  /** The daemon reads lines up to a length: an environment may be longer, and then only this very process can go on. */
  #introduce(): void {
    const call: LeaseCall = { ...this.#options.request, kind: "lease", phase: this.#phase };
    const isTooLong = JSON.stringify(call).length >= leaseLineBytes;
    if (isTooLong)
      this.#options.note("its environment is too long for the daemon: without its terminal it does not come back");
    this.#say(isTooLong ? { ...call, launch: null } : call);
  }

  #lost(): void {
    this.#socket = undefined;
    this.#dropProof();
    if (this.#isOver) return;
    this.#options.note("the daemon is gone: this run protects itself");
    this.#again();
  }

  #again(): void {
    this.#retry = setTimeout(() => void this.#reconnect(), reconnectMs);
    this.#retry.unref();
  }

  async #reconnect(): Promise<void> {
    if (!(await this.#connect())) return this.#again();
    if (this.#isOver) return void this.#socket?.destroy();
    this.#options.note("a daemon is there again");
    if (this.#attempt !== undefined) this.#say(this.#attempt);
  }

  #hear(answer: LeaseAnswer | undefined): void {
    this.#hasAnswered = true;
    switch (answer?.kind) {
      case "prove":
        return this.#prove(answer.path);
      case "waiting":
        return this.#options.note(`waiting: ${answer.reason}`);
      case "admitted":
        this.#dropProof();
        this.#bounds = answer.bounds;
        if (this.ports.length === 0) this.ports = answer.ports;
        if (this.#phase !== "parked") this.#settle?.("go");
        return;
      case "yields":
        this.#yields = answer.yields;
        return;
      case "resume":
        return this.#settle?.("go");
      case "refused":
        this.#isOver = true;
        this.#options.note(`the daemon does not take this run: ${answer.reason}; it protects itself`);
        this.#socket?.destroy();
        return this.#settle?.("no-daemon");
      default:
        // A newer daemon may say more than we know.
        return;
    }
  }

  #prove(path: string): void {
    this.#dropProof();
    try {
      this.#proof = openSync(path, "r");
    } catch {
      this.#socket?.destroy();
      return;
    }
    this.#say({ kind: "proven" });
  }

  #dropProof(): void {
    if (this.#proof !== undefined) closeSync(this.#proof);
    this.#proof = undefined;
  }

  #say(call: LeaseCall): void {
    if (this.#socket?.writable === true) this.#socket.write(`${JSON.stringify(call)}\n`);
  }
}
