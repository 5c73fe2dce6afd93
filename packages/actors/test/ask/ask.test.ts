import { describe, expect, it } from "vitest";
import { actor, type AskError, type ReplyTo } from "@constellation/actors";
import { manualSystem } from "../fixtures/quiet-system.ts";

describe("ask", () => {
  it("times out on the injected clock, and drops and counts what comes late", async () => {
    const { system, host } = manualSystem();
    let late: ReplyTo<number> | null = null;
    const ref = system.spawn(actor({ receive: (_state, replyTo: ReplyTo<number>) => void (late = replyTo) }));
    const answer = ref.ask<number>((replyTo) => replyTo, { timeoutMs: 250 });
    const caught = expect(answer).rejects.toMatchObject({ code: "timeout" });
    await host.advance(249);
    expect(system.alarms.size).toBe(1);
    await host.advance(1);
    await caught;
    (late as unknown as ReplyTo<number>).send(1);
    (late as unknown as ReplyTo<number>).fail(new Error("late"));
    expect(system.counters.lateReplies).toBe(2);
    expect(system.alarms.size).toBe(0);
  });

  it("can be given up, fails with what the actor says, and is not taken by a full or dead actor", async () => {
    const { system, host } = manualSystem({ logDeadLetters: false });
    const ref = system.spawn(
      actor({ mailbox: { capacity: 1 }, receive: (_state, replyTo: ReplyTo<number>) => replyTo.fail(new Error("no")) }),
    );
    const abort = new AbortController();
    const given = ref.ask<number>((replyTo) => replyTo, { signal: abort.signal, timeoutMs: Infinity });
    const caught = expect(given).rejects.toThrow("enough");
    await expect(ref.ask<number>((replyTo) => replyTo)).rejects.toMatchObject({ code: "rejected" });
    abort.abort(new Error("enough"));
    await caught;
    await host.settle();
    const failed = ref.ask<number>((replyTo) => replyTo, { signal: new AbortController().signal });
    const failure = expect(failed).rejects.toThrow("no");
    await host.settle();
    await failure;
    await expect(ref.ask<number>((r) => r, { signal: AbortSignal.abort(new Error("never")) })).rejects.toThrow("never");
    await expect(
      ref.ask<number>(() => {
        throw new Error("builder");
      }),
    ).rejects.toThrow("builder");
    system.kill(ref);
    await expect(ref.ask<number>((replyTo) => replyTo)).rejects.toMatchObject({ code: "dead" });
  });

  it("refuses a circle of actors that ask each other, and only that", async () => {
    const { system, host } = manualSystem();
    type Message = { readonly hops: number; readonly replyTo: ReplyTo<string> };
    const hopper = actor({
      kind: "hopper",
      async receive(_state, { hops, replyTo }: Message, context) {
        if (hops === 0) {
          replyTo.send("end");
          return;
        }
        const next = system.named<Message>(hops === 3 ? "a" : hops === 2 ? "b" : "c");
        const reply = await context
          .call<Message, string>(next, (to) => ({ hops: hops - 1, replyTo: to }))
          .catch((error: AskError) => error.code);
        replyTo.send(reply);
      },
    });
    for (const name of ["a", "b"]) system.spawn(hopper, { name });
    const circle = system.named<Message>("a").ask<string>((replyTo) => ({ hops: 3, replyTo }));
    await host.settle();
    expect(await circle).toBe("cycle");
    system.spawn(hopper, { name: "c" });
    const chain = system.named<Message>("b").ask<string>((replyTo) => ({ hops: 1, replyTo }));
    await host.settle();
    expect(await chain).toBe("end");
    const nobody = system.spawn(hopper).ask<string>((replyTo) => ({ hops: 3, replyTo }));
    system.kill(system.registry.whereIs("a") as never);
    await host.settle();
    expect(await nobody).toBe("dead");
  });
});
