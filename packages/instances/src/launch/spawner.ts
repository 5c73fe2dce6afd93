import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import type { JoinTarget } from "@constellation/host";
import { launchBinary } from "../binary.ts";
import { LaunchError, refusalError, stepError } from "./launch-error.ts";
import { encodePlan } from "./plan/encode-plan.ts";
import type { LaunchPlan } from "./plan/plan.ts";
import { withPipes } from "./with-pipes.ts";
import type { ControlOutcome } from "./records/control.ts";
import { type LaunchedProcesses, type Reply, ReplyReader } from "./records/reply.ts";

export interface SpawnerOptions {
  /** Only one spawner at a time holds this file locked: the next one's start waits for its end. @default no lock */
  readonly lockFile?: string;
  /** Control groups for the spawner, and so for the supervisors it starts. @default those of the daemon */
  readonly cgroups?: readonly JoinTarget[];
  /** How long the start may take, the wait for the lock included. @default 10000 */
  readonly startTimeoutMs?: number;
  /** Launches that may wait for their answer at the same time. @default 1024 */
  readonly queueLimit?: number;
  /** An answer that has not come by then, or by twice that time, never will: somebody stopped who was to give it. @default 60000 */
  readonly answerTimeoutMs?: number;
}

interface Waiting {
  readonly plan: LaunchPlan;
  /** Monotonic milliseconds. */
  readonly sinceMs: number;
  resolve(launched: LaunchedProcesses): void;
  reject(error: Error): void;
}

/**
 * The resident process that starts instances. It forks in their place of the daemon, whose own fork would copy a large
 * address space each time. When the daemon dies it starts what was asked for and ends; instances are not its children.
 */
export class Spawner {
  readonly #options: SpawnerOptions;
  readonly #waiting = new Map<number, Waiting>();
  #state:
    | { readonly kind: "idle" | "closed" }
    | { readonly kind: "running"; readonly child: ChildProcess; readonly stream: Socket } = {
    kind: "idle",
  };
  /** Told when the process serves, or never will. */
  #beginning: { resolve(): void; reject(error: Error): void } | null = null;
  #nextId = 1;
  #landlockVersion = 0;
  /** One for all that wait. */
  #overdue: NodeJS.Timeout | null = null;

  constructor(options: SpawnerOptions = {}) {
    this.#options = options;
  }

  /** Pid of the spawner while it runs. */
  get pid(): number | undefined {
    return this.#state.kind === "running" ? this.#state.child.pid : undefined;
  }

  /** Version of the kernel's Landlock interface, as a started spawner found it; 0: there is none. */
  get landlockVersion(): number {
    return this.#landlockVersion;
  }

  /**
   * Starts the process and waits until it serves.
   * @throws LaunchError LAUNCHER_GONE when it ends or does not answer in time
   */
  async start(): Promise<void> {
    if (this.#state.kind === "running") return;
    const { lockFile, startTimeoutMs = 10_000 } = this.#options;
    // Its environment is empty: what it starts inherits nothing from the daemon.
    const child = withPipes(
      spawn(launchBinary("launcher"), ["spawner", ...(lockFile === undefined ? [] : [lockFile])], {
        stdio: ["ignore", "ignore", "inherit", "pipe"],
        env: {},
        detached: true,
      }),
    );
    const stream = child.stdio[3] as Socket;
    const reader = new ReplyReader();
    this.#state = { kind: "running", child, stream };
    const ready = new Promise<void>((resolve, reject) => {
      this.#beginning = { resolve, reject };
    });
    stream.on("data", (chunk: Buffer) => {
      for (const reply of reader.push(chunk)) this.#settle(reply);
    });
    stream.on("error", () => {}); // "exit" tells the same
    child.on("error", (error) => this.#gone(error));
    child.on("exit", (code, signal) => this.#gone(new Error(`the spawner ended with ${signal ?? `code ${code}`}`)));
    const timer = setTimeout(
      () => this.#gone(new Error(`the spawner did not serve within ${startTimeoutMs} ms`)),
      startTimeoutMs,
    );
    try {
      await ready;
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    } finally {
      clearTimeout(timer);
    }
    this.#hold();
    this.#join(child.pid);
  }

  /**
   * Runs a plan. Resolves when the program has been executed (a slot: when it waits for its command).
   * @throws LaunchError STEP_FAILED, PLAN_REFUSED, LAUNCHER_GONE, ABORTED (the instance may still start then: kill it
   *   through its folder)
   */
  launch(plan: LaunchPlan, { signal }: { readonly signal?: AbortSignal } = {}): Promise<LaunchedProcesses> {
    const id = this.#nextId++;
    return this.#await(id, plan, signal, () => this.#send(id, encodePlan(plan)));
  }

  /**
   * Waits for the second answer to a launch: that of a slot that gets its command.
   * @param command hands the command over; "gone" when nobody takes it, and then nobody answers either
   * @throws LaunchError as `launch`, and what `command` throws
   */
  async secondAnswer(
    launchId: number,
    plan: LaunchPlan,
    command: () => ControlOutcome,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<LaunchedProcesses | "gone"> {
    // What waits ends with the spawner that started it.
    if (this.#state.kind !== "running") return "gone";
    const heard = { is: true };
    const begin = (): void => {
      heard.is = command() === "sent";
      if (!heard.is) throw new Error("nobody takes the command");
    };
    try {
      return await this.#await(launchId, plan, signal, begin);
    } catch (error) {
      if (heard.is) throw error;
      return "gone";
    }
  }

  /** Ends the spawner after what was asked for; instances go on. Resolves when it is gone. */
  async close(): Promise<void> {
    if (this.#state.kind !== "running") return;
    const { child, stream } = this.#state;
    const exited = new Promise<void>((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) resolve();
      else child.once("exit", () => resolve());
    });
    child.ref();
    stream.destroy();
    if (this.#overdue !== null) clearTimeout(this.#overdue);
    await exited;
    this.#state = { kind: "closed" };
  }

  #await(id: number, plan: LaunchPlan, signal: AbortSignal | undefined, begin: () => void): Promise<LaunchedProcesses> {
    const { queueLimit = 1024 } = this.#options;
    if (this.#state.kind !== "running")
      return Promise.reject(gone(plan.name, new Error(`the spawner is ${this.#state.kind}; call start() first`)));
    if (this.#waiting.size >= queueLimit)
      return Promise.reject(
        gone(plan.name, new Error(`${queueLimit} launches are waiting already; start fewer at once`)),
      );
    const aborted = (): LaunchError =>
      new LaunchError(`Stopped waiting for the start of ${plan.name}`, { code: "ABORTED", cause: signal?.reason });
    if (signal?.aborted === true) return Promise.reject(aborted());
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#waiting.delete(id);
        this.#hold();
        reject(aborted());
      };
      const done = (): void => signal?.removeEventListener("abort", abort);
      this.#waiting.set(id, {
        plan,
        sinceMs: performance.now(),
        resolve: (launched) => (done(), resolve(launched)),
        reject: (error) => (done(), reject(error)),
      });
      signal?.addEventListener("abort", abort, { once: true });
      this.#hold();
      this.#lookForOverdue();
      try {
        begin();
      } catch (error) {
        // Nobody will ever answer it: it must not stand in the line.
        done();
        this.#waiting.delete(id);
        this.#hold();
        throw error;
      }
    });
  }

  #lookForOverdue(): void {
    const { answerTimeoutMs = 60_000 } = this.#options;
    this.#overdue ??= setTimeout(() => {
      this.#overdue = null;
      const late = [...this.#waiting].filter(([, { sinceMs }]) => performance.now() - sinceMs >= answerTimeoutMs);
      // Whoever is next need not wait as long: to one that runs it means nothing.
      if (late.length > 0 && this.#state.kind === "running") this.#state.child.kill("SIGCONT");
      for (const [id, waiting] of late) {
        this.#waiting.delete(id);
        waiting.reject(gone(waiting.plan.name, new Error(`the launcher has not answered for ${answerTimeoutMs} ms`)));
      }
      this.#hold();
      if (this.#waiting.size > 0) this.#lookForOverdue();
    }, answerTimeoutMs).unref();
  }

  /** A launch under way keeps the event loop alive, an idle spawner does not. */
  #hold(): void {
    if (this.#state.kind !== "running") return;
    const { child, stream } = this.#state;
    const change = this.#waiting.size > 0 ? "ref" : "unref";
    child[change]();
    stream[change]();
  }

  #send(id: number, plan: Buffer): void {
    if (this.#state.kind !== "running") return;
    const head = Buffer.alloc(8);
    head.writeUInt32LE(plan.length, 0);
    head.writeUInt32LE(id, 4);
    this.#state.stream.write(Buffer.concat([head, plan]));
  }

  #settle(reply: Reply): void {
    if (reply.kind === "ready") {
      this.#landlockVersion = reply.landlockVersion;
      this.#beginning?.resolve();
      return;
    }
    const waiting = this.#waiting.get(reply.launchId);
    if (waiting === undefined) return; // whoever asked has stopped waiting
    this.#waiting.delete(reply.launchId);
    this.#hold();
    if (reply.kind === "failed") waiting.reject(stepError(waiting.plan, reply.stepIndex, reply.errno));
    else if (reply.kind === "refused") waiting.reject(refusalError(waiting.plan, reply.stepIndex, reply.errno));
    else waiting.resolve(reply);
  }

  #gone(cause: Error): void {
    if (this.#state.kind === "running") {
      this.#state.stream.destroy();
      this.#state = { kind: "closed" };
    }
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#beginning?.reject(gone("spawner", cause));
    for (const each of waiting) each.reject(gone(each.plan.name, cause));
  }

  #join(pid: number | undefined): void {
    for (const target of this.#options.cgroups ?? [])
      writeFileSync(target.kind === "tasks" ? target.path : `${target.path}/cgroup.procs`, String(pid));
  }
}

function gone(name: string, cause: Error): LaunchError {
  return new LaunchError(`Cannot start ${name}: ${cause.message}`, { code: "LAUNCHER_GONE", cause });
}
