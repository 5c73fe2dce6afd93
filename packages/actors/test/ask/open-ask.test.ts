import { describe, expect, it } from "vitest";
import { actor, AskError, type ReplyTo } from "@constellation/actors";
import { Probe } from "@constellation/actors/testkit";
import { manualSystem } from "../fixtures/quiet-system.ts";

describe("an ask", () => {
  it("answered before it is awaited, or among others, leaves nothing behind", async () => {
    const { system, host } = manualSystem();
    const waiting: ReplyTo<number>[] = [];
    const ref = system.spawn(actor({ receive: (_state, replyTo: ReplyTo<number>) => void waiting.push(replyTo) }));
    const early = ref.ask<number>((replyTo) => {
      replyTo.send(0);
      return replyTo;
    });
    expect(await early).toBe(0);
    const answers = [1, 2, 3].map(() => ref.ask<number>((replyTo) => replyTo));
    await host.settle();
    waiting[2]?.send(2);
    waiting[1]?.send(1);
    waiting[3]?.send(3);
    expect(await Promise.all(answers)).toEqual([1, 2, 3]);
    expect(system.alarms.size).toBe(0);
    const outside = new Probe<number>(system).context.call<ReplyTo<number>, number>(ref, (replyTo) => replyTo, {
      timeoutMs: 5,
    });
    const caught = expect(outside).rejects.toThrow(AskError);
    await host.advance(5);
    await caught;
    const text = JSON.stringify({ ref });
    expect(text).toBe(`{"ref":"${String(ref)}"}`);
  });
});
