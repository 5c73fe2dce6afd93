import { countOf, type LifeLeft, newLifecycle, noRestarts, type RestartCount } from "@constellation/instances";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Driven, exitOf, rules } from "./model.ts";

/** What a run is in the driver's world, as the test's own bookkeeping has it. */
type Fate = "launching" | "running" | "over";

type Move =
  | { do: "start" | "restart" | "wait" | "detach" | "crash-daemon" }
  | { do: "stop"; graceMs: number }
  | { do: "launch-ends-well" | "launch-fails"; final: boolean }
  | { do: "end"; kind: "completed" | "error" | "oom" }
  | { do: "probe"; purpose: "startup" | "readiness" | "liveness"; ok: boolean | null }
  | { do: "stale"; kind: "error" | "completed" }
  | { do: "stop-fails" }
  | { do: "pass"; ms: number };

const move = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("start", "restart", "wait") }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("crash-daemon") }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("stop"), graceMs: fc.constantFrom(0, 100, 10_000) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("launch-ends-well"), final: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("launch-fails"), final: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("end"), kind: fc.constantFrom("completed", "error", "oom") }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("probe"),
      purpose: fc.constantFrom("startup", "readiness", "liveness"),
      ok: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "probe", purpose: "startup", ok: null }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("stale"), kind: fc.constantFrom("error", "completed") }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("stop-fails") }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("pass"), ms: fc.integer({ min: 0, max: 60_000 }) }) },
) as fc.Arbitrary<Move>;

const anyRules = fc
  .record({
    policy: fc.constantFrom<("always" | "on-failure" | "never")[]>("always", "on-failure", "never"),
    intensity: fc.option(fc.integer({ min: 0, max: 3 })),
    startup: fc.boolean(),
    readiness: fc.boolean(),
    liveness: fc.boolean(),
  })
  .map(({ policy, intensity, ...probes }) => rules({ restart: { policy, intensity }, probes }));

/** A world with runs around a life; checks after every move what must always hold. */
class World {
  readonly instance: Driven;
  readonly fates = new Map<string, Fate>();
  readonly recorded = new Map<string, number>();
  wantedUp = false;
  #seen = 0;

  constructor(given: ReturnType<typeof rules>) {
    this.instance = new Driven(given);
  }

  play(one: Move): void {
    const { instance } = this;
    const { runId } = instance;
    const fate = this.fates.get(runId);
    switch (one.do) {
      case "start":
      case "restart":
        this.wantedUp = true;
        instance.send({ type: one.do });
        break;
      case "wait":
        instance.send({ type: "wait", for: "db" });
        this.wantedUp ||= instance.status === "waiting";
        break;
      case "stop":
        this.wantedUp = false;
        instance.send({ type: "stop", graceMs: one.graceMs });
        break;
      case "launch-ends-well":
        if (fate !== "launching") return;
        this.fates.set(runId, "running");
        instance.send({ type: "started", runId, pid: 1000 });
        break;
      case "launch-fails":
        if (fate !== "launching") return;
        this.fates.set(runId, "over");
        instance.send({ type: "start-failed", runId, exit: exitOf("start-failed", instance.nowMs), final: one.final });
        break;
      case "end":
        if (fate !== "running") return;
        this.fates.set(runId, "over");
        instance.end(one.kind);
        break;
      case "probe":
        instance.send({ type: "probe", runId, purpose: one.purpose, ok: one.ok, detail: "a detail" });
        break;
      case "stale": {
        const old = [...this.fates].find(([, fate]) => fate === "over")?.[0];
        if (old === undefined) return;
        const before = instance.life;
        instance.send({ type: "ended", runId: old, exit: exitOf(one.kind, instance.nowMs) });
        expect(instance.life).toBe(before);
        break;
      }
      case "stop-fails":
        instance.send({ type: "stop-failed", runId, detail: "a detail" });
        break;
      case "pass":
        instance.pass(one.ms);
        break;
      case "detach":
      case "crash-daemon":
        this.#recover();
        break;
    }
    this.#check();
  }

  /** A new daemon finds what the old one left, at any moment. */
  #recover(): void {
    const { runId } = this.instance;
    const fate = this.fates.get(runId);
    const { rules: given } = this.instance.life;
    const count = countOf(this.instance.life);
    const nowMs = this.instance.nowMs;
    const reborn = new Driven(given);
    reborn.nowMs = nowMs + 1;
    Object.assign(this, { instance: reborn });
    this.#seen = 0;
    if (fate === undefined || fate === "over") {
      if (this.wantedUp) reborn.send({ type: "start" });
      return;
    }
    reborn.send({ type: "recover", runId, count, launchedAt: nowMs });
    if (this.wantedUp) reborn.send({ type: "start" });
    if (fate === "launching") {
      this.fates.set(runId, "over");
      reborn.send({ type: "never-started", runId });
    } else {
      const notes = { startupPassed: false, ready: false };
      reborn.send({ type: "recovered", runId, pid: 1000, startedAt: nowMs, notes });
    }
  }

  #check(): void {
    const { effects, life } = this.instance;
    for (; this.#seen < effects.length; this.#seen += 1) {
      const effect = effects[this.#seen];
      if (effect?.type === "launch") {
        const alive = [...this.fates].filter(([, fate]) => fate !== "over");
        expect(alive, "a run was launched while another lives").toEqual([]);
        expect(this.fates.has(effect.runId), "a run id was used twice").toBe(false);
        this.fates.set(effect.runId, "launching");
      }
      if (effect?.type === "record-end") {
        this.recorded.set(effect.runId, (this.recorded.get(effect.runId) ?? 0) + 1);
        expect(this.recorded.get(effect.runId), "an end was recorded twice").toBe(1);
        expect(this.fates.get(effect.runId), "an end was recorded of a run that lives").toBe("over");
      }
    }
    expect(life.goal).toBe(this.wantedUp ? "up" : "down");
    const alive = [...this.fates].filter(([, fate]) => fate !== "over");
    expect(alive.length).toBeLessThanOrEqual(1);
    expect(alive.length === 1, "exactly the phases with a run have one").toBe("runId" in life.phase);
  }

  /** Lets everything that is under way come to its end, and looks where that is. */
  settle(): void {
    for (let round = 0; round < 20; round += 1) {
      const fate = this.fates.get(this.instance.runId);
      if (fate === "launching") this.play({ do: "launch-ends-well", final: false });
      if (this.instance.status === "stopping") this.play({ do: "end", kind: "completed" });
      this.play({ do: "pass", ms: 60_000 });
    }
    const resting = this.wantedUp ? ["running", "completed", "failed", "waiting"] : ["stopped"];
    expect(resting).toContain(this.instance.status);
  }
}

test("whatever happens: never two runs, every end recorded once, at rest where it is wanted", () => {
  fc.assert(
    fc.property(anyRules, fc.array(move, { maxLength: 60 }), (given, moves) => {
      const world = new World(given);
      for (const one of moves) world.play(one);
      world.settle();
    }),
    { numRuns: 2000 },
  );
});

/** A crash loop as a daemon sees it, with all that it would have written down for the next one. */
class CrashLoop {
  readonly given: ReturnType<typeof rules>;
  #instance: Driven;
  /** What a daemon writes before each launch. */
  #launched: { runId: string; count: RestartCount; at: number } = { runId: "", count: noRestarts, at: 0 };
  readonly delays: number[] = [];

  constructor(given: ReturnType<typeof rules>) {
    this.given = given;
    this.#instance = new Driven(given);
    this.#take(() => this.#instance.send({ type: "start" }));
  }

  get hasEnded(): boolean {
    return this.#instance.status === "failed";
  }

  /** One run of so many milliseconds and what follows it; the daemon dies where it is told to. */
  run(ranMs: number, death: "none" | "while it runs" | "while it ends" | "while it waits"): void {
    const life = this.#instance;
    const { runId } = life;
    life.send({ type: "started", runId, pid: 1 });
    life.nowMs += ranMs;
    if (death === "while it runs" || death === "while it ends") this.#nextDaemon();
    if (death === "while it runs") {
      const notes = { startupPassed: true, ready: true };
      const startedAt = this.#launched.at;
      this.#instance.send({ type: "recovered", runId, pid: 1, startedAt, notes });
    }
    this.#take(() => this.#instance.end());
    const { phase } = this.#instance.life;
    if (phase.status === "starting") this.delays.push(0);
    if (phase.status !== "backoff") return;
    this.delays.push(phase.until - phase.since);
    if (death === "while it waits") this.#nextDaemon();
    expect(this.#instance.life.phase).toEqual(phase);
    this.#take(() => this.#instance.pass(phase.until - phase.since));
  }

  #nextDaemon(): void {
    const { nowMs, life } = this.#instance;
    const { phase } = life;
    const next = new Driven(this.given);
    next.nowMs = nowMs;
    const { runId, count, at } = this.#launched;
    if (phase.status === "backoff") {
      const left: LifeLeft = { phase, count: countOf(life) };
      next.life = newLifecycle(this.given, nowMs, left);
    } else next.send({ type: "recover", runId, count, launchedAt: at });
    next.send({ type: "start" });
    this.#instance = next;
  }

  #take(happens: () => void): void {
    const before = this.#instance.effects.length;
    happens();
    for (const effect of this.#instance.effects.slice(before))
      if (effect.type === "launch")
        this.#launched = { runId: effect.runId, count: effect.count, at: this.#instance.nowMs };
  }
}

test("a crash loop has the same delays and the same end, however often its daemon dies meanwhile", () => {
  const death = fc.constantFrom("none", "while it runs", "while it ends", "while it waits");
  const run = fc.record({ ranMs: fc.constantFrom(0, 5, 900, 40_000), death });
  const restart = fc.record({
    intensity: fc.option(fc.integer({ min: 1, max: 6 })),
    initialDelayMs: fc.constantFrom(0, 100, 1000),
    maxDelayMs: fc.constantFrom(1000, 30_000),
    factor: fc.constantFrom(1, 2, 3),
    periodMs: fc.constantFrom(1000, 60_000),
  });
  fc.assert(
    fc.property(restart, fc.array(run, { maxLength: 20 }), (policy, runs) => {
      const disturbed = new CrashLoop(rules({ restart: policy }));
      const calm = new CrashLoop(rules({ restart: policy }));
      for (const { ranMs, death: when } of runs) {
        if (calm.hasEnded) break;
        calm.run(ranMs, "none");
        disturbed.run(ranMs, when);
        expect(disturbed.hasEnded).toBe(calm.hasEnded);
        expect(disturbed.delays).toEqual(calm.delays);
      }
    }),
    { numRuns: 1000 },
  );
});
