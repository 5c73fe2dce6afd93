import { mkdtempSync, rmSync, statSync } from "node:fs";
import { connect as openSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  actor,
  connect,
  exit,
  jsonCodec,
  SerializationError,
  type Connection,
  type ReplyTo,
} from "@constellation/actors";
import { connectSocket, listenSocket } from "@constellation/actors/node";
import { Probe } from "@constellation/actors/testkit";
import { checkLeaks, realSystem } from "../fixtures/quiet-system.ts";

let folder = "";
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "actors-"))));
afterEach(() => rmSync(folder, { recursive: true }));

const doubler = actor({
  receive: (_state, message: { value: number; replyTo: ReplyTo<number> }) => message.replyTo.send(message.value * 2),
});

checkLeaks();
describe.each([undefined, jsonCodec])("a Unix socket with codec %o", (codec) => {
  it("joins two systems, and fires noconnection when it breaks", async () => {
    const path = join(folder, "node.sock");
    const server = realSystem({ name: "server" });
    const client = realSystem({ name: "client" });
    const accepted: Connection[] = [];
    const listener = await listenSocket(
      path,
      (transport) => accepted.push(connect(server, transport, { spawnable: { doubler } })),
      codec,
    );
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const connection = connect(client, await connectSocket(path, codec));
    expect(await connection.ready).toBe("server");
    const ref = await connection.spawn<{ value: number; replyTo: ReplyTo<number> }>("doubler");
    const answers = Array.from({ length: 500 }, (_, value) => ref.ask<number>((replyTo) => ({ value, replyTo })));
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 500 }, (_, value) => value * 2));
    if (codec !== undefined) expect(() => ref.send(1n as never)).toThrow(SerializationError);
    const probe = new Probe<never>(client);
    probe.context.monitor(ref);
    accepted[0]?.close();
    expect(await probe.expectSignal()).toMatchObject({ kind: "down", reason: exit.noconnection });
    await connection.closed;
    await listener.close();
  });
});

describe("a Unix socket", () => {
  it("cannot be opened where nobody listens", async () => {
    await expect(connectSocket(join(folder, "nobody.sock"))).rejects.toThrow("ENOENT");
    await expect(listenSocket(join(folder, "no", "such", "folder.sock"), () => {})).rejects.toThrow();
  });

  it("closes on garbage", async () => {
    const path = join(folder, "garbage.sock");
    const server = realSystem();
    const accepted: Connection[] = [];
    const listener = await listenSocket(path, (transport) => accepted.push(connect(server, transport)));
    const socket = openSocket(path);
    socket.on("error", () => {});
    socket.resume();
    socket.write("GET / HTTP/1.1\r\n\r\n");
    await new Promise((resolve) => socket.once("close", resolve));
    expect((await accepted[0]?.closed)?.message).toContain("Cannot read a frame");
    await listener.close();
  });
});
