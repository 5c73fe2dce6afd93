import { describe, expect, it } from "vitest";
import { actor, exit, StartError, type ActorSignal, type Context } from "@constellation/actors";
import { Probe } from "@constellation/actors/testkit";
import { closeManual, manualSystem } from "../fixtures/quiet-system.ts";

describe("timers", () => {
  it("deliver once or in rhythm on the injected clock, and end with their actor", async () => {
    const { system, host } = manualSystem();
    const probe = new Probe<string>(system);
    probe.context.sendAfter(10, "once");
    const cancelled = probe.context.sendAfter(10, "never");
    const every = probe.context.sendEvery(4, "tick");
    expect(cancelled.cancel()).toBe(true);
    expect(cancelled.cancel()).toBe(false);
    await host.advance(13);
    const seen: string[] = [];
    while (probe.waiting > 0) seen.push(await probe.expect());
    expect(seen).toEqual(["tick", "tick", "once", "tick"]);
    expect(every.cancel()).toBe(true);
    probe.context.sendEvery(5, "tick");
    probe.context.sendAfter(5, "late");
    system.kill(probe.ref);
    expect(system.alarms.size).toBe(0);
    expect(host.pendingTimers).toBeLessThanOrEqual(1);
    expect(() => probe.context.sendAfter(-1, "x")).toThrow(RangeError);
    expect(() => probe.context.sendEvery(0, "x")).toThrow(RangeError);
  });

  it("tell of silence again and again, until a message or null", async () => {
    const { system, host } = manualSystem();
    const signals: ActorSignal[] = [];
    const ref = system.spawn(
      actor({
        onStart: (_args: void, context: Context<"on" | "off">) => context.setReceiveTimeout(10),
        receive: (_state, message: "on" | "off", context: Context<"on" | "off">) =>
          context.setReceiveTimeout(message === "on" ? 5 : null),
        onSignal: (_state, signal) => void signals.push(signal),
      }),
    );
    await host.advance(25);
    expect(signals).toEqual([10, 10].map((idleMs) => ({ kind: "receive-timeout", idleMs })));
    ref.send("on");
    await host.advance(6);
    expect(signals).toHaveLength(3);
    ref.send("off");
    await host.advance(100);
    expect(signals).toHaveLength(3);
    const bad = system.spawn(
      actor({ onStart: (_args: void, context) => context.setReceiveTimeout(0), receive: () => undefined }),
    );
    expect(await system.whenEnded(bad)).toEqual(exit.noproc);
    await expect(system.whenStarted(bad)).rejects.toThrow(StartError);
  });

  it("do not pile up while the actor is busy: one beat and one silence wait for it", async () => {
    const { system, host } = manualSystem();
    const seen: string[] = [];
    let finish = (): void => {};
    const busy = actor({
      onStart(_args: void, context: Context<"work" | "tick">) {
        context.sendEvery(10, "tick");
        context.setReceiveTimeout(3);
      },
      receive(_state, message: "work" | "tick") {
        seen.push(message);
        return message === "work" ? new Promise<void>((resolve) => (finish = resolve)) : undefined;
      },
      onSignal: (_state, signal) => void seen.push(signal.kind),
    });
    system.spawn(busy).send("work");
    await host.advance(1000);
    expect(seen).toEqual(["work"]);
    finish();
    await host.settle();
    expect(seen.toSorted()).toEqual(["receive-timeout", "tick", "work"]);
    await host.advance(10);
    expect(seen.filter((what) => what === "tick")).toHaveLength(2);
    await closeManual(system, host);
  });

  it("skip beats that were missed", async () => {
    const { system, host } = manualSystem();
    const probe = new Probe<string>(system);
    probe.context.sendEvery(10, "tick");
    host.jump(95);
    await host.advance(10);
    expect(probe.waiting).toBe(2);
  });
});
