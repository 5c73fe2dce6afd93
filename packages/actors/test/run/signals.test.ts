import { describe, expect, it } from "vitest";
import { actor, exit, type Context } from "@constellation/actors";
import { Probe } from "@constellation/actors/testkit";
import { manualSystem } from "../fixtures/quiet-system.ts";

const idle = actor({ kind: "idle", receive: () => undefined });

describe("signals", () => {
  it("mean nothing to who does not handle them, and may be handled asynchronously", async () => {
    const { system, host } = manualSystem({ logDeadLetters: false });
    const deaf = system.spawn(
      actor({
        trapExits: true,
        onStart(other: ReturnType<typeof system.spawn>, context: Context<never>) {
          context.link(other);
          context.monitor(other);
        },
        receive: () => undefined,
      }),
      { args: system.spawn(idle, { name: "other" }) },
    );
    const order: string[] = [];
    const slow = system.spawn(
      actor({
        trapExits: true,
        onStart: (_args: void, context: Context<string>) => context.link(system.named("other")),
        receive: (_state, message: string) => void order.push(message),
        async onSignal(_state, signal) {
          await Promise.resolve();
          order.push(signal.kind);
        },
      }),
    );
    await host.settle();
    system.kill(system.named("other"));
    slow.send("after");
    await host.settle();
    expect(order).toEqual(["exit", "after"]);
    expect(system.find(deaf.id)).toBe(deaf);
  });

  it("deliver timers to async handlers too, and to the dead letters of who is ending", async () => {
    const { system, host } = manualSystem({ logDeadLetters: false });
    const seen: number[] = [];
    const ref = system.spawn(
      actor({
        onStart(_args: void, context: Context<number>) {
          context.sendAfter(1, 1);
          context.sendAfter(2, 2);
          context.sendAfter(30, 3);
        },
        async receive(_state, message: number) {
          await Promise.resolve();
          seen.push(message);
        },
        onStop: () => new Promise<void>((resolve) => void host.after(100, () => resolve())),
      }),
    );
    await host.advance(10);
    const ended = system.stop(ref);
    void system.stop(ref);
    await host.advance(200);
    expect(await ended).toEqual(exit.shutdown);
    expect(seen).toEqual([1, 2]);
  });

  it("go before messages, also those that a signal brings", async () => {
    const { system, host } = manualSystem();
    const order: string[] = [];
    const ref = system.spawn(
      actor({
        receive(_state, message: string, context) {
          order.push(message);
          if (message === "first") context.monitor(system.named("nobody"));
        },
        onSignal(_state, signal, context) {
          order.push(signal.kind);
          if (order.length < 4) context.monitor(system.named("nobody"));
        },
      }),
    );
    ref.send("first");
    ref.send("second");
    await host.settle();
    expect(order).toEqual(["first", "down", "down", "down", "second"]);
  });

  it("that wait when an actor is killed are let go of", async () => {
    const { system } = manualSystem({ logDeadLetters: false });
    const probe = new Probe<string>(system);
    const busy = system.spawn(actor({ kind: "busy", receive: (_state, _message: number) => new Promise(() => {}) }));
    probe.context.pipe(
      Promise.resolve("x"),
      (value) => value,
      () => "",
    );
    await Promise.resolve();
    system.kill(probe.ref);
    expect(system.deadLetters.counts.dead).toBe(1);
    system.kill(busy);
  });
});
