import { describe, expect, it } from "vitest";
import {
  actor,
  connect,
  exit,
  jsonCodec,
  loopback,
  type ActorRef,
  type Codec,
  type Connection,
  type ReplyTo,
} from "@constellation/actors";
import { Probe } from "@constellation/actors/testkit";
import { checkLeaks, realSystem } from "../fixtures/quiet-system.ts";

type PeerMessage = "crash" | "silence" | { readonly replyTo: ReplyTo<number> } | { readonly keep: ActorRef<never>[] };

const peer = actor({
  kind: "peer",
  onStart: () => ({ kept: [] as ActorRef<never>[] }),
  receive(state, message: PeerMessage) {
    if (message === "crash") throw new Error("told to crash");
    if (message === "silence") return;
    if ("keep" in message) state.kept.push(...message.keep);
    else message.replyTo.send(state.kept.length);
  },
});

async function pair(codec: Codec = jsonCodec, delayMs = 0) {
  const here = realSystem({ name: "here" });
  const there = realSystem({ name: "there" });
  const line = loopback(here.host, { codec, delayMs });
  const toThere = connect(here, line.here);
  const toHere = connect(there, line.there, { spawnable: { peer } });
  await toThere.ready;
  const far = await toThere.spawn<PeerMessage>("peer", undefined, { name: "peer" });
  const close = (...connections: Connection[]): void => {
    for (const connection of [toThere, toHere, ...connections]) connection.close();
  };
  return { here, there, line, toThere, toHere, far, close };
}

checkLeaks();
describe("a link over a connection", () => {
  it("can be taken back from either end, and one of several goes alone", async () => {
    const { here, there, far, close } = await pair();
    const probe = new Probe<string>(here);
    const other = new Probe<string>(here);
    probe.context.link(far);
    other.context.link(far);
    probe.context.unlink(far);
    probe.context.unlink(far);
    far.send("crash");
    expect(await other.expectSignal()).toMatchObject({ kind: "exit", reason: { kind: "error" } });
    await probe.expectNone(5);
    expect(there.registry.whereIs("peer")).toBeUndefined();
    close();
  });

  it("is an exit at once when the connection has gone, as a monitor is", async () => {
    const { here, far, close } = await pair();
    const probe = new Probe<string>(here);
    close();
    probe.context.link(far);
    expect(await probe.expectSignal()).toMatchObject({ kind: "exit", reason: exit.noconnection });
    const monitor = probe.context.monitor(far);
    expect(await probe.expectSignal()).toMatchObject({ kind: "down", monitor, reason: exit.noconnection });
    probe.context.demonitor(monitor);
  });
});

describe("a far ref", () => {
  it("is its address wherever text is wanted", async () => {
    const { far, close } = await pair();
    expect(String(far)).toBe(far.address);
    expect(JSON.stringify({ far })).toBe(`{"far":"${far.address}"}`);
    close();
  });

  it("can be asked with a signal, and a name that nobody holds is not found", async () => {
    const { here, toThere, far, close } = await pair();
    const controller = new AbortController();
    const { signal } = controller;
    expect(await far.ask<number>((replyTo) => ({ replyTo }), { signal })).toBe(0);
    const given = far.ask(() => "silence", { signal, timeoutMs: 5000 });
    controller.abort(new Error("given up"));
    await expect(given).rejects.toThrow("given up");
    expect(here.alarms.size).toBe(0);
    expect(await toThere.whereIs("nobody")).toBeUndefined();
    close();
  });

  it("may be one of very many: those that nobody holds any more are forgotten", async () => {
    const { here, far, close } = await pair();
    const idle = actor({ receive: () => undefined });
    for (let round = 0; round < 3; round += 1) {
      const refs = Array.from({ length: 1024 }, () => here.spawn(idle));
      far.send({ keep: refs });
      for (const ref of refs) here.kill(ref);
    }
    expect(await far.ask<number>((replyTo) => ({ replyTo }))).toBe(3072);
    close();
  });
});

describe("the ref of an actor in a third system", () => {
  it("works through a stand-in, which ends with it", async () => {
    const first = await pair();
    const third = realSystem({ name: "third" });
    const line = loopback(first.here.host, { codec: jsonCodec });
    const toThird = connect(first.here, line.here);
    const back = connect(third, line.there, { spawnable: { peer } });
    const far = await toThird.spawn<PeerMessage>("peer");
    first.far.send({ keep: [far, far] });
    await first.far.ask<number>((replyTo) => ({ replyTo }));
    const standIn = [...first.here.actors()].find((ref) => ref.address.includes("forwarder"));
    expect(standIn).toBeDefined();
    const ended = first.here.whenEnded(standIn!);
    far.send("crash");
    expect(await ended).toMatchObject({ kind: "error" });
    first.close(toThird, back);
  });
});

describe("a loopback", () => {
  it("that carries what cannot be read ends both connections", async () => {
    let isBroken = false;
    const codec: Codec = { ...jsonCodec, decode: (bytes) => (isBroken ? throwText() : jsonCodec.decode(bytes)) };
    const { toThere, toHere, far } = await pair(codec);
    isBroken = true;
    far.send("silence");
    expect(await toHere.closed).toMatchObject({ message: "garbage" });
    toThere.close();
    expect(await toThere.closed).toBeNull();
  });

  it("with a delay keeps its order, loses nothing that was sent before the end, and takes nothing after it", async () => {
    const { here, there, toThere, toHere, far } = await pair(jsonCodec, 3);
    const probe = new Probe<string>(there);
    const ref = (await toThere.whereIs<string>("peer")) as ActorRef<never>;
    expect(ref).toBe(far);
    const monitor = new Probe<string>(here);
    monitor.context.monitor(far);
    far.send("crash");
    toThere.close();
    toThere.close();
    expect(far.send("silence")).toBe("dead");
    expect(await monitor.expectSignal()).toMatchObject({ reason: exit.noconnection });
    expect(await toHere.closed).toMatchObject({ message: expect.stringContaining("closed the connection") as string });
    expect(there.registry.whereIs("peer")).toBeUndefined();
    expect(here.deadLetters.counts.undeliverable).toBe(1);
    await probe.expectNone(1);
  });
});

function throwText(): never {
  // oxlint-disable-next-line typescript/only-throw-error -- codecs of others may throw anything
  throw "garbage";
}
