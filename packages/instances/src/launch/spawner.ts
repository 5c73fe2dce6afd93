import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import type { JoinTarget } from "@constellation/host";
import { launchBinary } from "../binary.ts";
import { LaunchError, refusalError, stepError } from "./launch-error.ts";
import { encodePlan } from "./plan/encode-plan.ts";
import type { LaunchPlan } from "./plan/plan.ts";
import { withPipes } from "./with-pipes.ts";
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
}

interface Waiting {
  readonly plan: LaunchPlan;
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
   * Waits for the second answer to a launch: that of a slot that gets its command. Call it before handing the command
   * over.
   * @throws LaunchError as `launch`
   */
  secondAnswer(
    launchId: number,
    plan: LaunchPlan,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<LaunchedProcesses> {
    return this.#await(launchId, plan, signal, () => {});
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
        resolve: (launched) => (done(), resolve(launched)),
        reject: (error) => (done(), reject(error)),
      });
      signal?.addEventListener("abort", abort, { once: true });
      this.#hold();
      begin();
    });
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
