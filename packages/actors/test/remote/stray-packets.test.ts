import { describe, expect, it } from "vitest";
import {
  actor,
  AskError,
  connect,
  exit,
  loopback,
  type ActorRef,
  type Packet,
  type ReplyTo,
} from "@constellation/actors";
import { closeManual, manualSystem } from "../fixtures/quiet-system.ts";

describe("packets that nobody waits for", () => {
  it("change nothing: late replies, unknown numbers, actors that have ended", async () => {
    const { system, host } = manualSystem({ logDeadLetters: false });
    const line = loopback(host);
    const sent: Packet[] = [];
    line.there.open({ packets: (packets) => void sent.push(...packets), closed: () => {} });
    const connection = connect(system, line.here);
    const error = { name: "Error", message: "late" };
    const got: unknown[] = [];
    const keeper = system.spawn(actor({ receive: (_state, message: unknown) => void got.push(message) }));
    const gone = 999;
    const stray: Packet[] = [
      { kind: "hello", version: 1, name: "raw", token: "" },
      { kind: "reply", n: 77, value: 1 },
      { kind: "fail", n: 77, error },
      { kind: "down", n: 77, reason: exit.normal },
      { kind: "demonitor", n: 77 },
      { kind: "monitor", n: 5, to: gone },
      { kind: "link", from: 1, to: gone },
      { kind: "unlink", from: 1, to: gone },
      { kind: "unlink", from: 1, to: keeper.id },
      { kind: "exit", from: 1, to: gone, reason: exit.killed },
      { kind: "stop", to: gone, reason: exit.shutdown },
      { kind: "taken", count: 5 },
      { kind: "send", to: gone, messages: [{ $constellation: "reply", n: 9 }] },
      {
        kind: "send",
        to: keeper.id,
        messages: [
          { $constellation: "yours", id: gone },
          { $constellation: "reply", n: 10 },
        ],
      },
      { kind: "monitor", n: 6, to: keeper.id },
      { kind: "demonitor", n: 6 },
    ];
    line.there.send(stray);
    await host.settle();
    expect(await connection.ready).toBe("raw");
    expect(system.counters.lateReplies).toBe(2);
    expect(sent.filter(({ kind }) => kind !== "hello")).toMatchObject([
      { kind: "down", n: 5, reason: exit.noproc },
      { kind: "exit", from: gone, to: 1, reason: exit.noproc },
      { kind: "fail", n: 9, code: "dead" },
      { kind: "taken", count: 3 },
    ]);
    const [home, replyTo] = got as [ActorRef<number>, ReplyTo<number>];
    expect(home.send(1)).toBe("dead");
    expect(await home.offer(1)).toBe("dead");
    await expect(home.ask<number>(() => 1)).rejects.toThrow(AskError);
    expect(`${String(home)} ${JSON.stringify({ home })}`).toBe(`local/ended.${gone} {"home":"local/ended.${gone}"}`);
    expect(system.named<number>("x").send(1)).toBe("dead");
    replyTo.fail(new Error("no"));
    await host.settle();
    expect(sent.at(-1)).toMatchObject({ kind: "fail", n: 10, error: { message: "no" } });
    const asked = connection.whereIs("anything", 5);
    const caught = expect(asked).rejects.toMatchObject({ code: "timeout" });
    await host.advance(5);
    await caught;
    const failing = connection.whereIs("anything");
    const failure = expect(failing).rejects.toMatchObject({ name: "RemoteError", message: "late" });
    await host.settle();
    const { n } = sent.findLast((packet) => packet.kind === "where-is") as Packet & { kind: "where-is" };
    line.there.send([{ kind: "fail", n, error }]);
    await host.settle();
    await failure;
    line.there.close();
    await host.settle();
    expect(connection.isOpen).toBe(false);
    await closeManual(system, host);
  });
});

describe("packets without a hello before them", () => {
  it("end the connection: nobody gets past the token by not showing one", async () => {
    const { system, host } = manualSystem();
    const line = loopback(host);
    let sent: readonly Packet[] = [];
    line.there.open({ packets: (packets) => void (sent = [...sent, ...packets]), closed: () => {} });
    const started: string[] = [];
    const victim = actor({ onStart: () => void started.push("victim"), receive: () => undefined });
    const connection = connect(system, line.here, { token: "secret", spawnable: { victim } });
    const spawn: Packet = { kind: "spawn", n: 1, behavior: "victim", args: undefined, name: null };
    line.there.send([spawn]);
    line.there.send([{ kind: "hello", version: 1, name: "late", token: "secret" }, spawn]);
    await host.settle();
    expect(await connection.closed).toMatchObject({
      message: "Cannot take a spawn packet: wanted a hello first, with the token of this system",
    });
    await expect(connection.ready).rejects.toThrow("wanted a hello first");
    expect(started).toEqual([]);
    expect(sent.map(({ kind }) => kind)).toEqual(["hello"]);
    await closeManual(system, host);
  });
});
