import { randomUUID } from "node:crypto";
import type { LeaseAnswer, LeaseRequest } from "@constellation/contract";
import { defaultCoordination, defaultPortRange } from "@constellation/guard";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GuardDesk, type Wire } from "../../src/guard/desk.ts";
import type { LeaseRecord } from "../../src/guard/lease-record.ts";

const GiB = 2 ** 30;

/** A machine of 16 GiB whose processes, clock and memory the test holds. */
class Machine {
  nowMs = 0;
  share = 0.1;
  hasKilled = false;
  nextPid = 100;
  launchesFail = false;
  readonly alive = new Set<number>();
  readonly records = new Map<string, LeaseRecord>();
  readonly reaped: string[] = [];
  readonly launched: string[] = [];
  readonly reports: string[] = [];
  desk = this.boot();

  boot(): GuardDesk {
    return new GuardDesk({
      settings: defaultCoordination,
      ports: defaultPortRange,
      nowMs: () => this.nowMs,
      memory: () => [{ name: "machine", limitBytes: 16 * GiB, usedBytes: this.share * 16 * GiB }],
      hasKilled: () => {
        const had = this.hasKilled;
        this.hasKilled = false;
        return had;
      },
      isAlive: ({ pid }) => this.alive.has(pid),
      portsInUse: () => new Set([20_000]),
      reap: async ({ attempt }) => void this.reaped.push(attempt?.run ?? "nothing"),
      launch: async ({ request }) => {
        if (this.launchesFail) throw new Error("ENOENT: its folder is gone");
        this.launched.push(request.id);
        const pid = this.nextPid++;
        this.alive.add(pid);
        return { pid, startTicks: 1 };
      },
      records: {
        save: (record) => void this.records.set(record.request.id, structuredClone(record)),
        remove: (id) => void this.records.delete(id),
      },
      report: (text) => void this.reports.push(text),
    });
  }

  /** Lets time pass, in looks of one second. */
  pass(ms: number): void {
    for (const until = this.nowMs + ms; this.nowMs < until;) {
      this.nowMs += 1000;
      this.desk.tick();
    }
  }

  /** The daemon dies and a new one takes over; runs come back by themselves. */
  daemonDies(): void {
    this.desk = this.boot();
    this.desk.inherit([...this.records.values()]);
  }
}

/** A runner: its process, and what it heard. */
class Runner {
  readonly heard: LeaseAnswer[] = [];
  readonly request: LeaseRequest;
  readonly machine: Machine;
  readonly wire: Wire = { say: (answer) => void this.heard.push(answer), close: () => void this.heard.push(closed) };

  constructor(machine: Machine, sinceMs: number, rest: Partial<LeaseRequest> = {}) {
    this.machine = machine;
    const pid = machine.nextPid++;
    machine.alive.add(pid);
    this.request = {
      kind: "lease",
      id: randomUUID(),
      guard: { pid, startTicks: 1 },
      root: "/p",
      stateDirectory: "/p/.constellation/test",
      sinceMs,
      phase: "waiting",
      expectedBytes: GiB,
      ports: 0,
      launch: { program: "node", args: [], cwd: "/p", environment: {} },
      ...rest,
    };
  }

  enter(phase: LeaseRequest["phase"] = "waiting"): this {
    this.machine.desk.enter({ ...this.request, phase }, this.wire);
    return this;
  }
  start(): this {
    this.machine.desk.hear(this.id, { kind: "started", run: `run-${this.id}`, group: null });
    return this;
  }
  park(): void {
    this.machine.desk.hear(this.id, { kind: "parked" });
  }
  async die(): Promise<void> {
    this.machine.alive.delete(this.request.guard.pid);
    this.machine.desk.lost(this.id, this.wire);
    await this.machine.desk.settle();
  }
  get id(): string {
    return this.request.id;
  }
  get phase(): string | undefined {
    return this.machine.desk.list().find(({ id }) => id === this.id)?.phase;
  }
  heardOf(kind: LeaseAnswer["kind"]): number {
    return this.heard.filter((answer) => answer.kind === kind).length;
  }
  get yields(): boolean {
    const last = this.heard.findLast((answer) => answer.kind === "yields");
    return last?.kind === "yields" && last.yields;
  }
}
const closed: LeaseAnswer = { kind: "refused", reason: "closed" };

describe("a run", () => {
  test("is let in with ports of its own, which are free again when it ends", () => {
    const machine = new Machine();
    const a = new Runner(machine, 1, { ports: 2 }).enter();
    const b = new Runner(machine, 2, { ports: 1 }).enter();
    expect(a.heard).toContainEqual({ kind: "admitted", ports: [20_001, 20_002], bounds: ["machine"] });
    expect(b.heard).toContainEqual({ kind: "admitted", ports: [20_003], bounds: ["machine"] });
    machine.desk.hear(a.id, { kind: "ended" });
    const c = new Runner(machine, 3, { ports: 1 }).enter();
    expect(c.heard).toContainEqual({ kind: "admitted", ports: [20_001], bounds: ["machine"] });
  });

  test("that died is cleaned up after at once, and is not started again unless memory killed it", async () => {
    const machine = new Machine();
    const a = new Runner(machine, 1).enter().start();
    await a.die();
    expect(machine.reaped).toEqual([`run-${a.id}`]);
    expect(machine.desk.isEmpty).toBe(true);
    expect(machine.records.size).toBe(0);

    const b = new Runner(machine, 2).enter().start();
    machine.hasKilled = true;
    await b.die();
    expect(b.phase).toBe("parked");
    machine.pass(16_000);
    await machine.desk.settle();
    expect(machine.launched).toEqual([b.id]);
    expect(b.phase).toBe("running");
  });

  test("whose connection broke while it lives keeps its place", () => {
    const machine = new Machine();
    const a = new Runner(machine, 1).enter().start();
    machine.desk.lost(a.id, a.wire);
    machine.pass(60_000);
    expect(machine.reaped).toEqual([]);
    a.enter("running");
    expect(a.heardOf("admitted")).toBe(2);
  });

  test("does not get a lease that another connection holds", () => {
    const machine = new Machine();
    const a = new Runner(machine, 1).enter();
    const heard: LeaseAnswer[] = [];
    machine.desk.enter(a.request, { say: (answer) => void heard.push(answer), close: () => undefined });
    expect(heard).toEqual([{ kind: "refused", reason: expect.stringContaining("another connection") as string }]);
  });
});

describe("under pressure", () => {
  test("the youngest yields, then the next; the oldest comes back first", () => {
    const machine = new Machine();
    const [a, b, c] = [1, 2, 3].map((age) => new Runner(machine, age).enter().start()) as [Runner, Runner, Runner];
    expect([a.yields, b.yields, c.yields]).toEqual([false, false, true]);
    machine.share = 0.82;
    c.park();
    machine.pass(10_000);
    expect([a.yields, b.yields]).toEqual([false, false]);
    machine.pass(6000);
    expect([a.yields, b.yields]).toEqual([false, true]);
    b.park();
    machine.share = 0.3;
    machine.pass(16_000);
    expect([b.heardOf("resume"), c.heardOf("resume")]).toEqual([1, 0]);
    machine.pass(16_000);
    expect([b.heardOf("resume"), c.heardOf("resume")]).toEqual([1, 1]);
  });

  test("a stopped run whose terminal was closed is started again by the daemon, and comes back with its lease", async () => {
    const machine = new Machine();
    const a = new Runner(machine, 1).enter().start();
    a.park();
    await a.die();
    expect(machine.reaped).toEqual([]);
    machine.pass(16_000);
    await machine.desk.settle();
    expect(machine.launched).toEqual([a.id]);
    const again = new Runner(machine, 999, { id: a.id }).enter();
    expect(again.heardOf("admitted")).toBe(1);
    expect(machine.desk.list()).toMatchObject([{ id: a.id, sinceMs: 1, phase: "running" }]);
  });
});

test("a run that the daemon starts again and that ends at once is not started for ever", async () => {
  const machine = new Machine();
  const a = new Runner(machine, 1).enter().start();
  machine.desk.hear(a.id, { kind: "report", treeBytes: GiB, level: "drain" });
  a.park();
  await a.die();
  machine.pass(60_000);
  await machine.desk.settle();
  expect(machine.launched).toEqual([a.id]);
  machine.alive.clear();
  machine.pass(5 * 60_000);
  await machine.desk.settle();
  machine.pass(5 * 60_000);
  await machine.desk.settle();
  expect(machine.launched).toEqual([a.id]);
  expect(machine.desk.isEmpty).toBe(true);
  expect(machine.records.size).toBe(0);
});

test("a run that cannot be started again at all keeps no place among those that run", async () => {
  const machine = new Machine();
  const a = new Runner(machine, 1).enter().start();
  a.park();
  machine.alive.clear();
  machine.desk.lost(a.id, a.wire);
  await machine.desk.settle();
  machine.launchesFail = true;
  machine.pass(5 * 60_000);
  await machine.desk.settle();
  machine.pass(5000);
  await machine.desk.settle();
  expect(machine.desk.isEmpty).toBe(true);
  expect(machine.reports).toContain("the guarded run of /p could not be started again");
});

describe("after the daemon's death", () => {
  test("the next one knows all: who runs, who waits to come back, who died meanwhile", async () => {
    const machine = new Machine();
    const running = new Runner(machine, 1).enter().start();
    const stopped = new Runner(machine, 2).enter().start();
    const dead = new Runner(machine, 3).enter().start();
    stopped.park();
    machine.alive.delete(dead.request.guard.pid);
    machine.alive.delete(stopped.request.guard.pid);
    machine.daemonDies();
    await machine.desk.settle();
    expect(machine.reaped).toEqual([`run-${dead.id}`]);
    running.enter("running");
    expect(running.phase).toBe("running");
    machine.pass(16_000);
    await machine.desk.settle();
    expect(machine.launched).toEqual([stopped.id]);
  });

  test("the ports of a run stay its own, also while it has not come back yet", () => {
    const machine = new Machine();
    const a = new Runner(machine, 1, { ports: 2 }).enter().start();
    expect(a.heard).toContainEqual({ kind: "admitted", ports: [20_001, 20_002], bounds: ["machine"] });
    machine.daemonDies();
    const b = new Runner(machine, 2, { ports: 1 }).enter();
    expect(b.heard).toContainEqual({ kind: "admitted", ports: [20_003], bounds: ["machine"] });
    a.enter("running");
    expect(a.heard.at(-2)).toEqual({ kind: "admitted", ports: [20_001, 20_002], bounds: ["machine"] });
  });

  test("a run that was stopped meanwhile says so when it comes back", () => {
    const machine = new Machine();
    const a = new Runner(machine, 1).enter().start();
    machine.daemonDies();
    a.enter("parked");
    expect(a.phase).toBe("parked");
    machine.pass(16_000);
    expect(a.heardOf("resume")).toBe(1);
  });
});

test("whatever happens, nobody is forgotten who lives, and nothing is kept of those that are gone", async () => {
  const step = fc.record({
    who: fc.nat(3),
    what: fc.constantFrom("enter", "start", "park", "end", "die", "drop", "daemon", "pass", "fill", "free"),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const machine = new Machine();
      let runners: Runner[] = [];
      const connected = new Set<Runner>();
      for (const { who, what } of steps) {
        const runner = runners[who % Math.max(1, runners.length)];
        if (what === "enter") {
          const fresh = new Runner(machine, runners.length).enter();
          runners.push(fresh);
          connected.add(fresh);
        } else if (what === "pass") machine.pass(7000);
        else if (what === "fill") machine.share = 0.9;
        else if (what === "free") machine.share = 0.1;
        else if (what === "daemon") {
          connected.clear();
          machine.daemonDies();
        } else if (runner === undefined) continue;
        else if (what === "drop") {
          connected.delete(runner);
          machine.desk.lost(runner.id, runner.wire);
        } else if (what === "die") {
          await runner.die();
          runners = runners.filter((each) => each !== runner);
          connected.delete(runner);
        } else if (!connected.has(runner)) continue;
        else if (what === "start") runner.start();
        else if (what === "park") runner.park();
        else if (what === "end") {
          machine.desk.hear(runner.id, { kind: "ended" });
          runners = runners.filter((each) => each !== runner);
          connected.delete(runner);
        }
        await machine.desk.settle();
        const known = machine.desk.list().map(({ id }) => id);
        for (const each of runners) expect(known).toContain(each.id);
        expect(new Set(machine.records.keys())).toEqual(new Set(known));
        expect(machine.reports).toEqual([]);
      }
    }),
    { numRuns: 200 },
  );
});
