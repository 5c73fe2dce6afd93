import { describe, expect, it } from "vitest";
import { actor, connect, loopback, SerializationError, type Connection, type ReplyTo } from "@constellation/actors";
import { cloneCodec } from "@constellation/actors/node";
import { checkLeaks, realSystem } from "../fixtures/quiet-system.ts";

type Echo = { readonly value: unknown; readonly replyTo?: ReplyTo<unknown> };

/** Bytes that were given away. */
function lostBytes(): ArrayBuffer {
  const bytes = new ArrayBuffer(8);
  structuredClone(bytes, { transfer: [bytes] });
  return bytes;
}

async function joined() {
  const here = realSystem({ name: "here" });
  const there = realSystem({ name: "there" });
  const line = loopback(here.host, { codec: cloneCodec });
  const seen: unknown[] = [];
  const echo = actor({
    kind: "echo",
    receive(_state, { value, replyTo }: Echo) {
      seen.push(value);
      replyTo?.send(value === "lost" ? lostBytes() : value);
    },
  });
  const toThere: Connection = connect(here, line.here);
  connect(there, line.there, { spawnable: { echo } });
  const ref = await toThere.spawn<Echo>("echo");
  return { here, there, toThere, ref, seen };
}

checkLeaks();
describe("what only the codec finds out to be unwritable", () => {
  it("is a dead letter, fails its ask, and takes nothing else along", async () => {
    const { here, toThere, ref, seen } = await joined();
    for (let n = 0; n < 9; n += 1) ref.send({ value: n });
    expect(ref.send({ value: lostBytes() })).toBe("queued");
    const asked = ref.ask((replyTo) => ({ value: lostBytes(), replyTo }));
    for (let n = 9; n < 20; n += 1) ref.send({ value: n });
    await expect(asked).rejects.toThrow(SerializationError);
    expect(await ref.ask((replyTo) => ({ value: "last", replyTo }))).toBe("last");
    expect(seen).toEqual([...Array(20).keys(), "last"]);
    expect(here.deadLetters.counts.undeliverable).toBe(2);
    toThere.close();
  });

  it("in an answer or in what a spawn is given is told to who asked", async () => {
    const { toThere, ref } = await joined();
    await expect(ref.ask((replyTo) => ({ value: "lost", replyTo }))).rejects.toThrow(SerializationError);
    await expect(toThere.spawn("echo", lostBytes())).rejects.toThrow(SerializationError);
    expect(toThere.isOpen).toBe(true);
    toThere.close();
  });
});

it("messages that are too long for one frame together travel in several, in order", async () => {
  const { toThere, ref, seen } = await joined();
  for (let n = 0; n < 80; n += 1) ref.send({ value: new Uint8Array(1024 * 1024).fill(n) });
  await ref.ask((replyTo) => ({ value: "last", replyTo }));
  expect(seen.slice(0, 80).map((bytes) => (bytes as Uint8Array)[7])).toEqual([...Array(80).keys()]);
  toThere.close();
});

/** A sink in another system that is given messages by reference, so many under way at most. */
async function sinkByReference(inFlight: number) {
  const here = realSystem({ name: "here" });
  const there = realSystem({ name: "there" });
  const line = loopback(here.host);
  const seen: unknown[] = [];
  there.spawn(actor({ receive: (_state, message: unknown) => void seen.push(message) }), { name: "sink" });
  const toThere = connect(here, line.here, { inFlight });
  connect(there, line.there);
  const sink = await toThere.whereIs<unknown>("sink");
  if (sink === undefined) throw new Error("the sink is not there");
  return { toThere, sink, seen };
}

it("by reference, frozen messages arrive as they are", async () => {
  const { toThere, sink, seen } = await sinkByReference(10);
  const message = Object.freeze({ list: Object.freeze([1, 2]), deep: Object.freeze({ a: "b" }) });
  sink.send(message);
  await toThere.whereIs("sink");
  expect(seen).toEqual([message]);
  expect(seen[0]).toBe(message);
  toThere.close();
});

it("an offer that was given up does not take the room that another one waits for", async () => {
  const { toThere, sink, seen } = await sinkByReference(1);
  const gaveUp = new AbortController();
  sink.send("first");
  const given = sink.offer("never", { signal: gaveUp.signal });
  const offered = ["second", "third"].map((message) => sink.offer(message));
  gaveUp.abort(new Error("gave up"));
  await expect(given).rejects.toThrow("gave up");
  expect(await Promise.all(offered)).toEqual(["queued", "queued"]);
  await toThere.whereIs("sink");
  expect(seen).toEqual(["first", "second", "third"]);
  toThere.close();
});
