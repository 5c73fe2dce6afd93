import { expect, it } from "vitest";
import { actor, Entities, MemorySnapshots, type ReplyTo } from "@constellation/actors";
import { closeManual, manualSystem } from "../fixtures/quiet-system.ts";

it("a message that waits is no silence: an entity does not go to sleep over it", async () => {
  const { system, host } = manualSystem();
  const entities = new Entities(system, { snapshots: new MemorySnapshots() });
  const counter = entities.define<"one" | { replyTo: ReplyTo<number> }, number>("counter", {
    create: () => 0,
    receive(count, message) {
      if (message === "one") return count + 1;
      message.replyTo.send(count);
      return undefined;
    },
    passivateAfterMs: 1000,
  });
  counter("a").send("one");
  await host.settle();
  // Both ring at the same time: the sender's turn comes first.
  system.spawn(
    actor({
      onStart: (_args: void, context) => void context.sendAfter(1000, "send"),
      receive: () => void counter("a").send("one"),
    }),
  );
  // The entity's own timer was set a moment before: let it be late, as on a busy machine.
  host.jump(1000);
  await host.advance(0);
  expect(system.deadLetters.total).toBe(0);
  const answer = counter("a").ask<number>((replyTo) => ({ replyTo }));
  await host.settle();
  expect(await answer).toBe(2);
  await host.advance(3000);
  expect(entities.awake).toBe(0);
  await closeManual(system, host);
});

it("a timer of an actor that waits for its children to end goes to the dead letters", async () => {
  const { system, host } = manualSystem({ logDeadLetters: false });
  const slow = actor({ receive: () => undefined, onStop: () => new Promise<void>(() => {}) });
  const other = system.spawn(slow);
  const parent = system.spawn(
    actor({
      trapExits: true,
      onStart(_args: void, context) {
        context.spawn(slow);
        context.sendAfter(10, "late");
        context.monitor(other);
      },
      receive: () => undefined,
      onSignal: () => {
        throw new Error("nobody listens any more");
      },
    }),
  );
  const stopped = system.stop(parent, undefined, Infinity);
  await host.settle();
  system.kill(other);
  await host.advance(20);
  expect(system.deadLetters.counts.dead).toBe(1);
  await host.advance(10_000);
  expect((await stopped).kind).toBe("shutdown");
  await closeManual(system, host);
});
