import { describe, expect, it } from "vitest";
import { actor, type ReplyTo } from "@constellation/actors";
import { Probe } from "@constellation/actors/testkit";
import { manualSystem } from "../fixtures/quiet-system.ts";

describe("handlers", () => {
  it("return the next state, or a promise of it, and may crash asynchronously", async () => {
    const { system, host } = manualSystem();
    const ref = system.spawn(
      actor({
        onStart: () => 1,
        receive(state, message: number | ReplyTo<number>) {
          if (typeof message !== "number") {
            message.send(state);
            return undefined;
          }
          return message > 0 ? Promise.resolve(state + message) : state * 2;
        },
      }),
    );
    ref.send(4);
    ref.send(-1);
    const total = ref.ask<number>((replyTo) => replyTo);
    await host.settle();
    expect(await total).toBe(10);
    const crasher = system.spawn(actor({ receive: (_state, _message: number) => Promise.reject(new Error("async")) }));
    const ended = system.whenEnded(crasher);
    crasher.send(1);
    await host.settle();
    expect(await ended).toMatchObject({ kind: "error" });
    const doomed = [true, false].map((works) => {
      const later = (): Promise<void> =>
        new Promise((resolve, reject) => setTimeout(() => (works ? resolve() : reject(new Error("nobody cares"))), 5));
      const busy = system.spawn(actor({ receive: (_state, _message: number) => later() }));
      busy.send(1);
      return busy;
    });
    await host.settle();
    for (const busy of doomed) system.kill(busy);
    await new Promise((resolve) => setTimeout(resolve, 10));
    await host.settle();
    expect(system.size).toBe(1);
  });

  it("get the outcome of a piped promise as a message", async () => {
    const { system, host } = manualSystem();
    const probe = new Probe<string>(system);
    const pipe = (promise: Promise<number>): void =>
      probe.context.pipe(
        promise,
        (value) => `value ${value}`,
        (error) => `error ${(error as Error).message}`,
      );
    pipe(Promise.resolve(1));
    pipe(Promise.reject(new Error("x")));
    await host.settle();
    expect([await probe.expect(), await probe.expect()].sort()).toEqual(["error x", "value 1"]);
    const ended = system.whenEnded(probe.ref);
    probe.context.pipe(
      Promise.resolve(1),
      () => {
        throw new Error("bad builder");
      },
      () => "",
    );
    await host.settle();
    expect(await ended).toMatchObject({ error: { message: "bad builder" } });
  });

  it("give way to other actors with a message to themselves, and to timers when saturated", async () => {
    const { system, host } = manualSystem({ slice: { messages: 10 } });
    const order: string[] = [];
    const looper = actor({
      onStart: (name: string) => ({ name, left: 3 }),
      receive(state, message: string, context) {
        order.push(state.name);
        if ((state.left -= 1) > 0) context.self.send(message);
      },
    });
    system.spawn(looper, { args: "a" }).send("go");
    system.spawn(looper, { args: "b" }).send("go");
    await host.settle();
    expect(order).toEqual(["a", "b", "a", "b", "a", "b"]);
  });

  it("free what they do not need when hibernating", async () => {
    const { system, host } = manualSystem();
    const ref = system.spawn(
      actor({ receive: (_state, message: number, context) => void (message === 0 && context.hibernate()) }),
    );
    for (let value = 100; value >= 0; value -= 1) ref.send(value);
    await host.settle();
    ref.send(0);
    await host.settle();
    expect(system.find(ref.id)).toBe(ref);
  });
});
