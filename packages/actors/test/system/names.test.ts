import { describe, expect, it } from "vitest";
import { actor, AskError, NameTakenError, type ReplyTo } from "@constellation/actors";
import { manualSystem } from "../fixtures/quiet-system.ts";

describe("names", () => {
  it("are unique, follow a replacement, and are free when their actor ends", async () => {
    const { system, host } = manualSystem({ logDeadLetters: false });
    const echo = actor({ receive: (_state, replyTo: ReplyTo<number>, context) => replyTo.send(context.self.id) });
    const first = system.spawn(echo, { name: "echo" });
    const before = system.size;
    expect(() => system.spawn(echo, { name: "echo" })).toThrow(NameTakenError);
    expect(system.size).toBe(before);
    system.registry.register("echo", first);
    system.registry.register("other", first);
    const named = system.named<ReplyTo<number>>("echo");
    const answer = named.ask<number>((replyTo) => replyTo);
    await host.settle();
    expect(await answer).toBe(first.id);
    expect(named.id).toBe(first.id);
    expect(`${String(named)} ${JSON.stringify({ named })}`).toBe('local/echo {"named":"local/echo"}');
    expect(system.registry.unregister("other")).toBe(true);
    expect(system.registry.unregister("other")).toBe(false);
    system.kill(first);
    expect(system.registry.names()).toEqual([]);
    expect(named.send({} as ReplyTo<number>)).toBe("dead");
    expect(await named.offer({} as ReplyTo<number>)).toBe("dead");
    expect(named.id).toBe(0);
    await expect(named.ask<number>((replyTo) => replyTo)).rejects.toThrow(AskError);
    const second = system.spawn(echo, { name: "echo" });
    const again = named.ask<number>((replyTo) => replyTo);
    expect(await named.offer({ send: () => {}, fail: () => {} })).toBe("queued");
    await host.settle();
    expect(await again).toBe(second.id);
    expect(system.registry.whereIs("echo")).toBe(second);
    expect(() => system.registry.register("x", first)).toThrow("does not live");
  });
});
