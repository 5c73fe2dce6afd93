import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { AskError, type ActorRef } from "@constellation/actors";
import { FileSnapshots } from "@constellation/actors/node";
import { Probe } from "@constellation/actors/testkit";
import { openBank } from "../../../../examples/bank/bank.ts";
import { startChat, type Said } from "../../../../examples/chat-room/chat-room.ts";
import { startEchoServer } from "../../../../examples/echo-server/echo-server.ts";
import { checkLeaks, realSystem } from "../fixtures/quiet-system.ts";

checkLeaks();
describe("the chat room", () => {
  it("goes on for its members after it crashed", async () => {
    const system = realSystem({ logReports: false, logDeadLetters: false });
    const chat = await startChat(system);
    const room = await chat.open("kitchen");
    expect((await chat.open("kitchen")).id).toBe(room.id);
    const [ann, bob] = [new Probe<Said>(system), new Probe<Said>(system)];
    for (const { ref } of [ann, bob]) room.send({ type: "join", member: ref });
    room.send({ type: "say", from: "ann", text: "hello" });
    expect(await bob.expect()).toEqual({ room: "kitchen", from: "ann", text: "hello" });
    const before = room.id;
    room.send({ type: "say", from: "bob", text: "/crash" });
    await expect.poll(() => room.id !== before && room.id !== 0).toBe(true);
    room.send({ type: "say", from: "ann", text: "still here?" });
    expect(await bob.expect()).toMatchObject({ text: "still here?" });
    expect(await room.ask<readonly Said[]>((replyTo) => ({ type: "history", replyTo }))).toHaveLength(1);
    await chat.stop();
  });
});

describe("the echo server", () => {
  it("survives crashes under load", async () => {
    const system = realSystem({ logReports: false, logDeadLetters: false });
    const { port, tree, connections } = await startEchoServer(system);
    const talk = async (lines: readonly string[]): Promise<string> => {
      const socket = connect(port, "127.0.0.1");
      let heard = "";
      socket.on("data", (bytes) => (heard += String(bytes)));
      socket.on("error", () => {});
      await once(socket, "connect");
      for (const line of lines) {
        const wanted = heard.length + line.length;
        socket.write(line);
        while (heard.length < wanted && !socket.destroyed && !socket.readableEnded)
          await new Promise((resolve) => setTimeout(resolve, 1));
      }
      socket.end();
      return heard;
    };
    const clients = Array.from({ length: 40 }, (_, index) =>
      talk(index % 4 === 0 ? ["one\n", "crash\n"] : ["one\n", `client ${index}\n`]),
    );
    const heard = await Promise.all(clients);
    for (const [index, text] of heard.entries())
      expect(text).toBe(index % 4 === 0 ? "one\n" : `one\nclient ${index}\n`);
    const first = (await tree.childRef<Error>("listener")) as ActorRef<Error>;
    first.send(new Error("the listener crashes"));
    await system.whenEnded(first);
    expect((await tree.childRef("listener"))?.id).not.toBe(first.id);
    expect(await talk(["again\n"])).toBe("again\n");
    await expect.poll(async () => (await connections.countChildren()).active).toBe(0);
    await tree.stop();
  });
});

describe("the bank", () => {
  it("keeps its balances over crashes and restarts, and books each transfer once", async () => {
    const folder = mkdtempSync(join(tmpdir(), "bank-"));
    const total = async (bank: ReturnType<typeof openBank>): Promise<number[]> =>
      Promise.all(
        ["ann", "bob"].map((id) => bank.account(id).ask<number>((replyTo) => ({ type: "balance", replyTo }))),
      );
    try {
      const system = realSystem({ logDeadLetters: false });
      const bank = openBank(system, new FileSnapshots(folder));
      await bank.account("ann").ask((replyTo) => ({ type: "book", transfer: "salary", cents: 1000, replyTo }));
      const patient = async (number: string): Promise<void> => {
        for (;;)
          try {
            await bank.transfer(number, "ann", "bob", 10);
            return;
          } catch (error) {
            if (!(error instanceof AskError)) throw error;
          }
      };
      const transfers = Array.from({ length: 50 }, (_, index) => patient(`t${index}`));
      for (let crash = 0; crash < 5; crash += 1) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        bank.account(crash % 2 === 0 ? "ann" : "bob").send({ type: "crash" });
      }
      await Promise.all(transfers);
      expect(await total(bank)).toEqual([500, 500]);
      expect(await bank.transfer("too much", "ann", "bob", 501)).toEqual({ kind: "declined", balanceCents: 500 });
      await system.shutdown();
      const again = realSystem();
      expect(await total(openBank(again, new FileSnapshots(folder)))).toEqual([500, 500]);
      await again.shutdown();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
