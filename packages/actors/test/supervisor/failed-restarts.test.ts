import { describe, expect, it } from "vitest";
import {
  actor,
  child,
  ignore,
  supervise,
  supervisor,
  type ExitReason,
  type SupervisorReport,
} from "@constellation/actors";
import { closeManual, manualSystem } from "../fixtures/quiet-system.ts";
import { plenty } from "../fixtures/stage.ts";

const minute = { initialMs: 1000, maxMs: 60_000, jitter: 0 };

/** Workers that note each start, and whose starts the test can hold up, fail or have ignored. */
function workshop(reports: SupervisorReport[] = []) {
  const { system, host } = manualSystem({ logReports: false, hooks: { onReport: (one) => void reports.push(one) } });
  const log: string[] = [];
  const fate: { next: "fine" | "fail" | "ignore" | "slow-fail" } = { next: "fine" };
  const held: (() => void)[] = [];
  const begin = (id: string): string | typeof ignore | Promise<string> => {
    log.push(`+${id}`);
    if (fate.next === "fail") throw new Error("no start");
    if (fate.next === "ignore") return ignore;
    if (fate.next === "slow-fail")
      return new Promise((_resolve, reject) => held.push(() => reject(new Error("no start after all"))));
    return id;
  };
  const worker = actor({
    kind: "worker",
    onStart: (id: string) => begin(id),
    onRestart: (id: string, reason: ExitReason) => {
      log.push(`${id} after ${reason.kind}`);
      return begin(id) as string;
    },
    receive: (_id, _message: "crash") => {
      throw new Error("crash");
    },
  });
  const spec = (id: string) => child({ id, name: id, start: worker, args: id });
  const crash = async (id: string): Promise<void> => {
    system.named<"crash">(id).send("crash");
    await host.settle();
  };
  return { system, host, log, fate, held, worker, spec, crash };
}

describe("a restart of several children", () => {
  it("tells each why its actor before ended: the one that crashed its error, the others a shutdown", async () => {
    const { system, host, log, spec, crash } = workshop();
    const children = [spec("a"), spec("b"), spec("c")];
    await supervise(system, supervisor({ strategy: "one_for_all", intensity: plenty, children }));
    log.length = 0;
    await crash("b");
    expect(log.filter((line) => line.includes("after"))).toEqual([
      "a after shutdown",
      "b after error",
      "c after shutdown",
    ]);
    await closeManual(system, host);
  });
});

describe("a restart that fails slowly", () => {
  it("is not tried again when the child was terminated meanwhile", async () => {
    const { system, host, log, fate, held, spec, crash } = workshop();
    const tree = await supervise(system, supervisor({ intensity: plenty, children: [spec("a")] }));
    fate.next = "slow-fail";
    await crash("a");
    const terminated = tree.terminateChild("a");
    log.length = 0;
    held.shift()?.();
    await host.advance(1000);
    expect(await terminated).toEqual({ kind: "ok" });
    expect(log).toEqual([]);
    expect(held).toEqual([]);
    fate.next = "fine";
    expect((await tree.restartChild("a")).kind).toBe("started");
    await closeManual(system, host);
  });

  it("counts against the budget, which ends the supervisor at last", async () => {
    const reports: SupervisorReport[] = [];
    const { system, host, log, fate, spec, crash } = workshop(reports);
    const tree = await supervise(
      system,
      supervisor({ intensity: { restarts: 3, periodMs: 1000 }, children: [spec("a")] }),
    );
    const ended = system.whenEnded(tree.ref);
    log.length = 0;
    fate.next = "fail";
    await crash("a");
    await host.settle();
    expect(await ended).toEqual({ kind: "shutdown" });
    expect(log.filter((line) => line === "+a")).toHaveLength(3);
    expect(reports.map(({ kind, child: id }) => `${kind} ${id}`)).toEqual([
      "child-terminated a",
      "start-error a",
      "start-error a",
      "start-error a",
      "gave-up a",
    ]);
    await closeManual(system, host);
  });
});

describe("a restart that waits for its time", () => {
  it("means nothing when it is called off after it rang", async () => {
    const { system, host, log, fate, held, spec, crash } = workshop();
    const late = { ...spec("late"), backoff: minute };
    const tree = await supervise(system, supervisor({ intensity: plenty, children: [late] }));
    await crash("late");
    expect(await tree.whichChildren()).toMatchObject([{ id: "late", state: { kind: "restarting" } }]);
    fate.next = "slow-fail";
    // The supervisor is busy with this start: the call comes before the alarm, and both wait.
    const slow = tree.startChild(spec("slow"));
    const terminated = tree.terminateChild("late");
    await host.advance(1500);
    log.length = 0;
    held.shift()?.();
    await host.settle();
    expect((await slow).kind).toBe("failed");
    expect(await terminated).toEqual({ kind: "ok" });
    fate.next = "fine";
    await host.advance(10_000);
    expect(log).toEqual([]);
    expect(await tree.whichChildren()).toMatchObject([{ id: "late", state: { kind: "stopped" } }]);
    await closeManual(system, host);
  });

  it("ends first what was started by hand in the meantime", async () => {
    const { system, host, log, spec, crash } = workshop();
    const children = [spec("a"), { ...spec("b"), backoff: minute }];
    const tree = await supervise(system, supervisor({ strategy: "one_for_all", intensity: plenty, children }));
    await crash("b");
    expect((await tree.restartChild("a")).kind).toBe("started");
    const byHand = await tree.childRef("a");
    log.length = 0;
    await host.advance(1000);
    expect(log.filter((line) => line.startsWith("+"))).toEqual(["+a", "+b"]);
    expect(system.find(byHand!.id)).toBeUndefined();
    expect(system.size).toBe(3);
    await closeManual(system, host);
  });

  it("waits as long again when the child has run for a quiet time, the longest wait unless it says otherwise", async () => {
    const { system, host, log, spec, crash } = workshop();
    const backoff = { initialMs: 100, maxMs: 1000, jitter: 0 };
    const children = [
      { ...spec("a"), backoff },
      { ...spec("b"), backoff: { ...backoff, resetAfterMs: 300 } },
    ];
    await supervise(system, supervisor({ intensity: plenty, children }));
    /** How long it takes until the child is back. */
    const absence = async (id: string): Promise<number> => {
      await crash(id);
      log.length = 0;
      for (let waitedMs = 0; ; waitedMs += 50) {
        if (log.includes(`+${id}`)) return waitedMs;
        await host.advance(50);
      }
    };
    expect([await absence("a"), await absence("a")]).toEqual([100, 200]);
    // It has run for exactly the quiet time: that is not enough yet.
    await host.advance(1000);
    expect(await absence("a")).toBe(400);
    await host.advance(1001);
    expect(await absence("a")).toBe(100);
    expect([await absence("b"), await absence("b")]).toEqual([100, 200]);
    await host.advance(301);
    expect(await absence("b")).toBe(100);
    await closeManual(system, host);
  });
});

describe("a dynamic child that says ignore when it is restarted", () => {
  it("is forgotten, and not counted", async () => {
    const { system, host, fate, worker } = workshop();
    const tree = await supervise(
      system,
      supervisor({ strategy: "simple_one_for_one", intensity: plenty, child: { start: worker } }),
    );
    const started = await tree.startChild("d");
    if (started.kind !== "started") throw new Error(started.kind);
    fate.next = "ignore";
    started.ref.send("crash");
    await host.settle();
    expect(await tree.countChildren()).toEqual({ specs: 1, active: 0, supervisors: 0, workers: 0 });
    expect(await tree.whichChildren()).toEqual([]);
    await closeManual(system, host);
  });
});
