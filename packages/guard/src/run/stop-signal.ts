import { rmSync, writeFileSync } from "node:fs";
import { longestTimeoutMs, type ProcessIdentity } from "@constellation/host";
import { type PolicyState, reaches } from "../policy/level.ts";
import { decideHold, noHold } from "../policy/hold.ts";
import type { RunOptions } from "./options.ts";
import type { StateDirectory } from "./state-directory.ts";

/** Why and how far the run is being stopped, from all who may stop it: the policy, the clock, the user, a failing disk. */
export class StopSignal {
  why: "protected" | "timeout" | "interrupted" | undefined;
  reason = "";
  level: "drain" | "kill" | undefined;
  readonly leaders: ProcessIdentity[] = [];
  /** Aborted when nothing more is waited for. */
  readonly killed = new AbortController();
  /** Aborted when no new tests are to start. */
  readonly draining = new AbortController();
  failure: unknown;
  shed: (less: boolean) => void = () => undefined;
  #hold = noHold;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #options: RunOptions;
  readonly #state: StateDirectory;
  readonly #interrupt = (): void => this.drain("interrupted", "it was interrupted", 2000);

  constructor(options: RunOptions, state: StateDirectory) {
    this.#options = options;
    this.#state = state;
    const timeoutMs = options.timeoutMs ?? 3_600_000;
    if (timeoutMs > 0)
      this.#later(timeoutMs, () => this.drain("timeout", `it took longer than ${timeoutMs / 1000} s`, 0));
    if (options.signal?.aborted === true) this.#interrupt();
    else options.signal?.addEventListener("abort", this.#interrupt, { once: true });
  }

  /** Does what a level asks for. */
  follow({ level, reason }: PolicyState): void {
    if (level === "kill") return this.kill("protected", reason, "kill");
    if (level === "drain") return this.drain("protected", reason, this.#options.graceMs ?? 10_000);
    this.shed(reaches(level, "shed"));
  }

  /** Holds new tests back while memory is tight, for as long as that may help. */
  hold({ level, cause }: PolicyState, atMs: number): void {
    const before = this.#hold.isHolding;
    this.#hold = decideHold(this.#hold, level === "shed" && cause === "memory", atMs);
    if (this.#hold.isHolding === before) return;
    if (this.#hold.isHolding) this.#raise(this.#state.hold);
    else rmSync(this.#state.hold, { force: true });
  }

  fail(error: unknown): void {
    this.failure ??= error;
    this.draining.abort();
    this.killed.abort();
  }

  drain(why: NonNullable<StopSignal["why"]>, reason: string, graceMs: number): void {
    if (this.draining.signal.aborted) return;
    this.why = why;
    this.reason = reason;
    this.level = "drain";
    this.draining.abort();
    this.#raise(this.#state.drain);
    this.#later(graceMs, () => this.killed.abort());
  }

  #later(ms: number, act: () => void): void {
    this.#timers.push(setTimeout(act, Math.min(ms, longestTimeoutMs)));
  }

  /** Tests look for this file. Where it cannot be made (a full disk) they cannot be asked for anything: they are ended. */
  #raise(flag: string): void {
    try {
      writeFileSync(flag, "");
    } catch (error) {
      this.fail(error);
    }
  }

  kill(why: NonNullable<StopSignal["why"]>, reason: string, level: "kill"): void {
    if (this.why === undefined || this.why === "protected") this.reason = reason;
    this.why ??= why;
    this.level = level;
    this.draining.abort();
    this.killed.abort();
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#options.signal?.removeEventListener("abort", this.#interrupt);
  }
}
