import { Packr } from "msgpackr";
import { describe, expect, it } from "vitest";
import {
  actor,
  AskError,
  connect,
  exit,
  jsonCodec,
  loopback,
  messagePackCodec,
  RemoteError,
  SerializationError,
  type ActorRef,
  type ActorSystem,
  type Codec,
  type Connection,
  type Context,
  type Loopback,
  type ReplyTo,
} from "@constellation/actors";
import { cloneCodec } from "@constellation/actors/node";
import { Probe } from "@constellation/actors/testkit";
import { checkLeaks, realSystem } from "../fixtures/quiet-system.ts";

type EchoMessage =
  | { readonly type: "echo"; readonly value: unknown; readonly replyTo: ReplyTo<unknown> }
  | { readonly type: "forward"; readonly to: ActorRef<unknown>; readonly value: unknown }
  | { readonly type: "silence"; readonly replyTo: ReplyTo<unknown> }
  | { readonly type: "crash" };

const echo = actor({
  kind: "echo",
  receive(_state, message: EchoMessage) {
    if (message.type === "echo") message.replyTo.send(message.value);
    else if (message.type === "forward") message.to.send(message.value);
    else if (message.type === "crash") throw new TypeError("told to crash");
  },
});

interface Pair {
  readonly here: ActorSystem;
  readonly there: ActorSystem;
  readonly line: Loopback;
  readonly toThere: Connection;
  readonly toHere: Connection;
}

async function pair(codec?: Codec, inFlight = 65_536): Promise<Pair> {
  const here = realSystem({ name: "here" });
  const there = realSystem({ name: "there" });
  const line = loopback(here.host, codec === undefined ? {} : { codec });
  const toThere = connect(here, line.here, { inFlight });
  const toHere = connect(there, line.there, { spawnable: { echo } });
  expect(await toThere.ready).toBe("there");
  expect(await toHere.ready).toBe("here");
  return { here, there, line, toThere, toHere };
}

function closeAll({ toThere, toHere }: Pair): void {
  toThere.close();
  toHere.close();
}

checkLeaks();
const codecs: [string, Codec | undefined][] = [
  ["by reference", undefined],
  ["json", jsonCodec],
  ["messagepack", messagePackCodec(new Packr({ structuredClone: true, moreTypes: true }))],
  ["structured clone", cloneCodec],
];

describe.each(codecs)("a connection that carries messages %s", (_name, codec) => {
  it("answers an ask from the other system", async () => {
    const ends = await pair(codec);
    ends.there.spawn(echo, { name: "echo" });
    const ref = await ends.toThere.whereIs<EchoMessage>("echo");
    const value = { list: [1, "two", null, { three: true }] };
    expect(await ref?.ask((replyTo) => ({ type: "echo", value, replyTo }))).toEqual(value);
    expect(await ends.toThere.whereIs("nobody")).toBeUndefined();
    closeAll(ends);
  });

  it("spawns there, and carries refs both ways", async () => {
    const ends = await pair(codec);
    const ref = await ends.toThere.spawn<EchoMessage>("echo", undefined, { name: "spawned" });
    expect(ends.there.registry.names()).toEqual(["spawned"]);
    const probe = new Probe<unknown>(ends.here);
    ref.send({ type: "forward", to: probe.ref, value: 42 });
    expect(await probe.expect()).toBe(42);
    const home = await ref.ask<unknown>((replyTo) => ({ type: "echo", value: probe.ref, replyTo }));
    expect(home).toBe(probe.ref);
    const again = await ref.ask<unknown>((replyTo) => ({ type: "echo", value: ref, replyTo }));
    expect(again).toBe(ref);
    closeAll(ends);
  });

  it("tells a monitor and a link of a crash there", async () => {
    const ends = await pair(codec);
    const ref = await ends.toThere.spawn<EchoMessage>("echo");
    const probe = new Probe<unknown>(ends.here);
    probe.context.monitor(ref);
    probe.context.link(ref);
    ref.send({ type: "crash" });
    const signals = [await probe.expectSignal(), await probe.expectSignal()];
    expect(signals.map(({ kind }) => kind).sort()).toEqual(["down", "exit"]);
    for (const signal of signals) {
      if (signal.kind === "receive-timeout" || signal.reason.kind !== "error") throw new Error("wanted an error");
      expect(signal.reason.error).toBeInstanceOf(RemoteError);
      expect(signal.reason.error).toMatchObject({ message: "told to crash", remoteName: "TypeError" });
    }
    closeAll(ends);
  });

  it("keeps user data that looks like its own markers", async () => {
    const ends = await pair(codec);
    const ref = await ends.toThere.spawn<EchoMessage>("echo");
    const value = { $constellation: "actor", id: 1, inner: [{ $constellation: "reply", n: 3 }] };
    expect(await ref.ask((replyTo) => ({ type: "echo", value: structuredClone(value), replyTo }))).toEqual(value);
    closeAll(ends);
  });
});

describe("a connection", () => {
  it("fires monitors, links and asks with the loss of the line", async () => {
    const ends = await pair();
    const ref = await ends.toThere.spawn<EchoMessage>("echo");
    const probe = new Probe<unknown>(ends.here);
    probe.context.monitor(ref);
    probe.context.link(ref);
    const answer = ref.ask((replyTo) => ({ type: "silence", replyTo }));
    const caught = expect(answer).rejects.toMatchObject({ code: "disconnected" });
    ends.line.cut();
    await caught;
    expect(await probe.expectSignal()).toMatchObject({ kind: "down", reason: exit.noconnection });
    expect(await probe.expectSignal()).toMatchObject({ kind: "exit", reason: exit.noconnection });
    expect(ref.send({ type: "crash" })).toBe("dead");
    expect(ends.here.deadLetters.counts.undeliverable).toBe(1);
    await expect(ref.ask((replyTo) => ({ type: "silence", replyTo }))).rejects.toBeInstanceOf(AskError);
    await expect(ends.toThere.spawn("echo")).rejects.toMatchObject({ code: "disconnected" });
    expect((await ends.toThere.closed)?.message).toBe("The line was cut");
    probe.context.monitor(ref);
    expect(await probe.expectSignal()).toMatchObject({ kind: "down", reason: exit.noconnection });
    probe.context.link(ref);
    expect(await probe.expectSignal()).toMatchObject({ kind: "exit", reason: exit.noconnection });
  });

  it("ends a remote actor that is linked to one that crashes here", async () => {
    const ends = await pair();
    const ref = await ends.toThere.spawn<EchoMessage>("echo", undefined, { name: "victim" });
    const victim = ends.there.registry.whereIs("victim");
    const ended = ends.there.whenEnded(victim as ActorRef<never>);
    const local = ends.here.spawn(
      actor({
        onStart: (_args: void, context: Context<"crash">) => context.link(ref),
        receive: (_state, _message: "crash") => {
          throw new Error("here");
        },
      }),
    );
    local.send("crash");
    expect(await ended).toMatchObject({ kind: "error", error: { message: "here" } });
    closeAll(ends);
  });

  it("lets go of links and monitors that were taken back", async () => {
    const ends = await pair();
    const ref = await ends.toThere.spawn<EchoMessage>("echo");
    const probe = new Probe<unknown>(ends.here);
    probe.context.demonitor(probe.context.monitor(ref));
    probe.context.link(ref);
    probe.context.unlink(ref);
    ref.send({ type: "crash" });
    const second = await ends.toThere.spawn<EchoMessage>("echo");
    expect(await second.ask((replyTo) => ({ type: "echo", value: 1, replyTo }))).toBe(1);
    await probe.expectNone(20);
    closeAll(ends);
  });

  it("stops a remote actor in order", async () => {
    const ends = await pair();
    const ref = await ends.toThere.spawn<EchoMessage>("echo");
    expect(await ends.here.stop(ref, exit.shutdownWith("enough"))).toEqual(exit.shutdownWith("enough"));
    expect(await ends.here.whenEnded(ref)).toEqual(exit.noproc);
    const probe = new Probe<unknown>(ends.here);
    probe.context.link(ref);
    expect(await probe.expectSignal()).toMatchObject({ kind: "exit", reason: exit.noproc });
    await expect(ref.ask((replyTo) => ({ type: "silence", replyTo }))).rejects.toMatchObject({ code: "dead" });
    closeAll(ends);
  });

  it("fails an ask when the actor there ends before it replies", async () => {
    const ends = await pair();
    const ref = await ends.toThere.spawn<EchoMessage>("echo");
    const answer = ref.ask((replyTo) => ({ type: "silence", replyTo }));
    const caught = expect(answer).rejects.toMatchObject({ code: "dead" });
    ref.send({ type: "crash" });
    await caught;
    await expect(ref.ask((replyTo) => ({ type: "silence", replyTo }), { timeoutMs: 1000 })).rejects.toMatchObject({
      code: "dead",
    });
    closeAll(ends);
  });

  it("refuses what it may not spawn, and reports a start that fails", async () => {
    const here = realSystem();
    const there = realSystem();
    const line = loopback(here.host);
    const failing = actor({
      onStart: () => {
        throw new Error("no luck");
      },
      receive: () => undefined,
    });
    const toThere = connect(here, line.here);
    const toHere = connect(there, line.there, { spawnable: { failing } });
    await expect(toThere.spawn("unknown")).rejects.toThrow('Cannot spawn "unknown"');
    await expect(toThere.spawn("failing")).rejects.toThrow("did not start");
    toThere.close();
    toHere.close();
  });

  it("tells a sender whose message cannot travel", async () => {
    const ends = await pair(jsonCodec);
    const ref = await ends.toThere.spawn<EchoMessage>("echo");
    const to = ref as ActorRef<unknown>;
    class Money {
      readonly cents = 5;
    }
    const circle: unknown[] = [];
    circle.push(circle);
    for (const value of [() => 1, Symbol("x"), { deep: [() => 1] }, new Money(), circle, 1n, Number.NaN, new Map(), -0])
      expect(() => to.send(value), typeof value).toThrow(SerializationError);
    expect(ends.here.deadLetters.counts.undeliverable).toBe(9);
    await expect(ref.ask((replyTo) => ({ type: "echo", value: () => 1, replyTo }))).rejects.toThrow(SerializationError);
    await expect(ends.toThere.spawn("echo", 1n)).rejects.toThrow(SerializationError);
    closeAll(ends);
  });

  it("fails an ask whose answer cannot travel", async () => {
    const here = realSystem();
    const there = realSystem();
    const line = loopback(here.host, { codec: jsonCodec });
    const toThere = connect(here, line.here);
    const liar = actor({ receive: (_state, message: ReplyTo<unknown>) => message.send(() => 1) });
    const toHere = connect(there, line.there, { spawnable: { liar } });
    const ref = await toThere.spawn<ReplyTo<unknown>>("liar");
    await expect(ref.ask((replyTo) => replyTo)).rejects.toThrow(SerializationError);
    toThere.close();
    toHere.close();
  });

  it("rejects more messages than may be under way, and offers when there is room", async () => {
    const ends = await pair(undefined, 2);
    const ref = await ends.toThere.spawn<EchoMessage>("echo");
    const outcomes = [1, 2, 3].map(() =>
      ref.send({ type: "forward", to: ref as ActorRef<unknown>, value: { type: "x" } }),
    );
    expect(outcomes).toEqual(["queued", "queued", "rejected"]);
    expect(await ref.offer({ type: "forward", to: ref as ActorRef<unknown>, value: { type: "x" } })).toBe("queued");
    const aborted = AbortSignal.abort(new Error("no time"));
    ref.send({ type: "forward", to: ref as ActorRef<unknown>, value: { type: "x" } });
    await expect(ref.offer({ type: "crash" }, { signal: aborted })).rejects.toThrow("no time");
    closeAll(ends);
  });

  it("passes messages for an actor of a third system on", async () => {
    const first = await pair();
    const third = realSystem({ name: "third" });
    const line = loopback(third.host, { codec: cloneCodec });
    const toThird = connect(first.here, line.here);
    const fromThird = connect(third, line.there, { spawnable: { echo } });
    const far = await toThird.spawn<EchoMessage>("echo");
    const near = await first.toThere.spawn<EchoMessage>("echo");
    const probe = new Probe<unknown>(first.there);
    const answer = await near.ask<unknown>((replyTo) => ({ type: "echo", value: far, replyTo }));
    const forwarded = answer as ActorRef<EchoMessage>;
    expect(forwarded).not.toBe(far);
    expect(await forwarded.ask((replyTo) => ({ type: "echo", value: 7, replyTo }))).toBe(7);
    near.send({ type: "forward", to: far as ActorRef<unknown>, value: { type: "forward", to: probe.ref, value: 8 } });
    closeAll(first);
    toThird.close();
    fromThird.close();
  });

  it("does not talk to another version or with another token", async () => {
    const here = realSystem();
    const there = realSystem();
    const line = loopback(here.host);
    const toThere = connect(here, line.here, { token: "a" });
    const toHere = connect(there, line.there, { token: "b" });
    await expect(toThere.ready).rejects.toThrow("another token");
    expect(toHere.isOpen).toBe(false);
    const other = loopback(here.host);
    const strict = connect(here, other.here);
    other.there.open({ packets: () => {}, closed: () => {} });
    other.there.send([{ kind: "hello", version: 99, name: "old", token: "" }]);
    await expect(strict.ready).rejects.toThrow("wire version 99");
  });

  it("closes in order: what was sent before still arrives", async () => {
    const ends = await pair(cloneCodec);
    const probe = new Probe<unknown>(ends.there, "probe");
    const ref = await ends.toThere.whereIs<unknown>("probe");
    ref?.send("last words");
    ends.toThere.close();
    expect(await probe.expect()).toBe("last words");
    expect(await ends.toThere.closed).toBeNull();
    expect((await ends.toHere.closed)?.message).toContain("closed the connection");
  });
});
