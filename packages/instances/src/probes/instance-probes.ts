import type { Health } from "@constellation/contract";
import type { Clock } from "../driver/clock.ts";
import type { RunHandle } from "../driver/driver.ts";
import type { PortBinding } from "../driver/port-binding.ts";
import type { WantedProbes } from "../lifecycle/step.ts";
import { ProbeLoop } from "./probe-loop.ts";
import { proberFor } from "./prober.ts";

/** What a probe is for. */
export type ProbePurpose = keyof Health;

/** A probe's news: `verdict` says whether it counts, or only its detail is new. */
export interface ProbeNews {
  readonly purpose: ProbePurpose;
  readonly verdict: "unknown" | "up" | "down";
  readonly detail: string;
}

const purposes = ["startup", "readiness", "liveness"] as const;

/** So long a program may take to begin before it is told why it has not. */
const startupPatienceMs = 1000;

/** The probes of one run; keeps exactly the loops going that the instance's life wants now. */
export class InstanceProbes {
  readonly #handle: RunHandle;
  #health: Health;
  readonly #ports: readonly PortBinding[];
  readonly #clock: Clock;
  readonly #onNews: (news: ProbeNews) => void;
  readonly #loops = new Map<ProbePurpose, ProbeLoop>();

  constructor(
    handle: RunHandle,
    health: Health,
    ports: readonly PortBinding[],
    clock: Clock,
    onNews: (news: ProbeNews) => void,
  ) {
    this.#handle = handle;
    this.#health = health;
    this.#ports = ports;
    this.#clock = clock;
    this.#onNews = onNews;
  }

  want(wanted: WantedProbes | null): void {
    for (const purpose of purposes) {
      if (wanted?.[purpose] === true) this.#start(purpose);
      else this.#stop(purpose);
    }
  }

  /** Lets its probes go on with other timings. What they check, and which there are, is as it was when the run began. */
  retime(health: Health): void {
    for (const purpose of purposes) {
      const [present, next] = [this.#health[purpose], health[purpose]];
      if (present === null || next === null) continue;
      this.#health = { ...this.#health, [purpose]: { ...next, check: present.check } };
      this.#loops.get(purpose)?.retime(next);
    }
  }

  close(): void {
    this.want(null);
  }

  #start(purpose: ProbePurpose): void {
    const probe = this.#health[purpose];
    if (probe === null || this.#loops.has(purpose)) return;
    const loop = new ProbeLoop({
      timing: probe,
      prober: proberFor(probe.check, this.#handle, this.#ports),
      clock: this.#clock,
      ranMs: this.#clock.nowMs() - this.#handle.facts.startedAt,
      patienceMs: purpose === "startup" ? startupPatienceMs : 0,
      onResult: ({ verdict }, { detail }) => this.#onNews({ purpose, verdict, detail }),
    });
    this.#loops.set(purpose, loop);
  }

  #stop(purpose: ProbePurpose): void {
    this.#loops.get(purpose)?.close();
    this.#loops.delete(purpose);
  }
}
