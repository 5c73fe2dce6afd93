import type { Exit, RestartPolicy } from "@constellation/contract";
import { defaultRestart } from "@constellation/contract";
import {
  type Lifecycle,
  type LifecycleEffect,
  type LifecycleEvent,
  newLifecycle,
  type Rules,
  step,
  wakeAt,
} from "@constellation/instances";

/** Rules for a test: the defaults, with what is given laid over. */
export function rules(over: { restart?: Partial<RestartPolicy>; probes?: Partial<Rules["probes"]> } = {}): Rules {
  return {
    restart: { ...defaultRestart, jitter: 0, ...over.restart },
    stop: { signal: "SIGTERM", graceMs: 10_000 },
    probes: { startup: false, readiness: false, liveness: false, ...over.probes },
  };
}

/** An exit for a test. */
export function exitOf(kind: Exit["kind"], at: number, code: number | null = null): Exit {
  return { kind, code, signal: null, reason: `ended in a test as ${kind}`, peakMemoryBytes: null, at };
}

/** A life driven by hand, with its clock and everything that it asked for. */
export class Driven {
  life: Lifecycle;
  nowMs = 1_800_000_000_000;
  readonly effects: LifecycleEffect[] = [];
  #chance = 0;

  constructor(given: Rules = rules()) {
    this.life = newLifecycle(given, this.nowMs);
  }

  send(event: LifecycleEvent): LifecycleEffect[] {
    this.#chance = (this.#chance + 0.137) % 1;
    const { next, effects } = step(this.life, event, this.nowMs, this.#chance);
    this.life = next;
    this.effects.push(...effects);
    return [...effects];
  }

  get runId(): string {
    return "runId" in this.life.phase ? this.life.phase.runId : "no run";
  }

  get status(): string {
    return this.life.phase.status;
  }

  /** Moves the clock on and wakes the life as often as it asks for it. */
  pass(ms: number): void {
    const end = this.nowMs + ms;
    for (let at = wakeAt(this.life); at !== null && at <= end; at = wakeAt(this.life)) {
      this.nowMs = Math.max(this.nowMs, at);
      this.send({ type: "wake" });
    }
    this.nowMs = end;
  }

  up(): void {
    this.send({ type: "start" });
    this.send({ type: "started", runId: this.runId, pid: 42 });
  }

  end(kind: Exit["kind"] = "error"): LifecycleEffect[] {
    return this.send({ type: "ended", runId: this.runId, exit: exitOf(kind, this.nowMs) });
  }
}
