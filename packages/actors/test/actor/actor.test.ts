import { describe, expect, it } from "vitest";
import { actor, ActorSystem, AskError, exit, type ExitReason, type ReplyTo } from "@constellation/actors";

type CounterMessage = { type: "add"; by: number } | { type: "get"; replyTo: ReplyTo<number> } | { type: "crash" };

const counter = actor({
  kind: "counter",
  onStart: () => ({ count: 0 }),
  receive(state, message: CounterMessage) {
    if (message.type === "add") state.count += message.by;
    else if (message.type === "get") message.replyTo.send(state.count);
    else throw new Error("told to crash");
  },
});

describe("an actor", () => {
  it("handles messages in the order in which they were sent", async () => {
    const system = new ActorSystem();
    const seen: number[] = [];
    const ref = system.spawn(
      actor({
        receive(_state, message: number | ReplyTo<void>) {
          if (typeof message === "number") seen.push(message);
          else message.send();
        },
      }),
    );
    for (let index = 0; index < 1000; index += 1) ref.send(index);
    await ref.ask<void>((replyTo) => replyTo);
    expect(seen).toEqual(Array.from({ length: 1000 }, (_, index) => index));
    await system.shutdown();
  });

  it("answers an ask", async () => {
    const system = new ActorSystem();
    const ref = system.spawn(counter);
    ref.send({ type: "add", by: 2 });
    ref.send({ type: "add", by: 3 });
    expect(await ref.ask<number>((replyTo) => ({ type: "get", replyTo }))).toBe(5);
    await system.shutdown();
    expect(system.size).toBe(0);
  });

  it("ends with the error that its handler throws, and fails who waits for it", async () => {
    const system = new ActorSystem();
    const ref = system.spawn(counter);
    const ended = system.whenEnded(ref);
    ref.send({ type: "crash" });
    const answer = ref.ask<number>((replyTo) => ({ type: "get", replyTo }));
    await expect(answer).rejects.toThrow(AskError);
    expect(await ended).toMatchObject({ kind: "error" });
    expect(ref.send({ type: "add", by: 1 })).toBe("dead");
    await system.shutdown();
  });

  it("handles one message at a time when its handler is async", async () => {
    const system = new ActorSystem();
    let running = 0;
    let most = 0;
    const ref = system.spawn(
      actor({
        async receive(_state, message: number | ReplyTo<number>) {
          running += 1;
          most = Math.max(most, running);
          await Promise.resolve();
          running -= 1;
          if (typeof message !== "number") message.send(most);
        },
      }),
    );
    for (let index = 0; index < 10; index += 1) ref.send(index);
    expect(await ref.ask<number>((replyTo) => replyTo)).toBe(1);
    await system.shutdown();
  });

  it("runs onStop with the reason after its children have ended", async () => {
    const system = new ActorSystem();
    const order: string[] = [];
    const leaf = actor({
      receive: () => undefined,
      onStop: async () => {
        await Promise.resolve();
        order.push("child");
      },
    });
    const reasons: ExitReason[] = [];
    const ref = system.spawn(
      actor({
        onStart: (_args: void, context) => void context.spawn(leaf),
        receive: () => undefined,
        onStop: (_state, reason) => {
          reasons.push(reason);
          order.push("parent");
        },
      }),
    );
    await system.stop(ref);
    expect(order).toEqual(["child", "parent"]);
    expect(reasons).toEqual([exit.shutdown]);
    await system.shutdown();
  });
});
