import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import {
  actor,
  connect,
  Entities,
  jsonCodec,
  loopback,
  MemorySnapshots,
  parseTraceparent,
  type ActorRef,
  type Connection,
  type ReplyTo,
  type Span,
} from "@constellation/actors";
import { checkLeaks, realSystem } from "../fixtures/quiet-system.ts";

type Add = { readonly add: number; readonly replyTo: ReplyTo<number> };

checkLeaks();
describe("the ref of an entity", () => {
  it("that travels wakes the entity each time it is used, through one stand-in", async () => {
    const here = realSystem({ name: "here" });
    const there = realSystem({ name: "there" });
    const entities = new Entities(here, { snapshots: new MemorySnapshots() });
    const sum = entities.define<Add, { total: number }>("sum", {
      create: () => ({ total: 0 }),
      receive: (state, { add, replyTo }) => replyTo.send((state.total += add)),
      passivateAfterMs: 5,
    });
    const user = actor({
      receive: async (_state, { ref, replyTo }: { ref: ActorRef<Add>; replyTo: ReplyTo<number> }) =>
        replyTo.send(await ref.ask<number>((answer) => ({ add: 2, replyTo: answer }))),
    });
    const { toThere, close } = await join(here, there, { user });
    const far = await toThere.spawn<{ ref: ActorRef<Add>; replyTo: ReplyTo<number> }>("user");
    expect(await far.ask<number>((replyTo) => ({ ref: sum("a"), replyTo }))).toBe(2);
    while (entities.awake > 0) await new Promise((resolve) => setTimeout(resolve, 2));
    const living = here.size;
    expect(await far.ask<number>((replyTo) => ({ ref: sum("a"), replyTo }))).toBe(4);
    while (entities.awake > 0) await new Promise((resolve) => setTimeout(resolve, 2));
    expect(here.size).toBe(living);
    close();
  });
});

describe("a trace", () => {
  it("goes on in the other system, for its own messages only", async () => {
    const spans: Span[] = [];
    const onSpan = (span: Span): void => void spans.push(span);
    const here = realSystem({ name: "here", onSpan });
    const there = realSystem({ name: "there", onSpan });
    const end = actor({ kind: "end", receive: (_state, _message: string | { replyTo: ReplyTo<number> }) => undefined });
    const asked = actor({
      kind: "asked",
      receive: (_state, message: "traced" | "plain" | { replyTo: ReplyTo<number> }) =>
        typeof message === "object" ? message.replyTo.send(1) : undefined,
    });
    const { toThere, close } = await join(here, there, { end, asked });
    const far = await toThere.spawn<"traced" | "plain" | { replyTo: ReplyTo<number> }>("asked");
    const outside = parseTraceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    far.send("plain");
    here.tracing.within(outside, () => {
      far.send("traced");
      far.send("traced");
    });
    await far.ask<number>((replyTo) => ({ replyTo }));
    const traced = spans.filter(({ message }) => message === "traced");
    expect(traced.map(({ traceId, parentSpanId }) => [traceId, parentSpanId])).toEqual([
      [outside?.traceId, outside?.spanId],
      [outside?.traceId, outside?.spanId],
    ]);
    expect(spans.find(({ message }) => message === "plain")?.traceId).not.toBe(outside?.traceId);
    close();
  });
});

describe("a sender that waits for room", () => {
  it("leaves no listener behind on its signal, and gives up when it aborts", async () => {
    const here = realSystem({ name: "here" });
    const there = realSystem({ name: "there" });
    const taken: number[] = [];
    const sink = actor({ receive: (_state, message: number) => void taken.push(message) });
    const { toThere, close } = await join(here, there, { sink }, 2);
    const far = await toThere.spawn<number>("sink");
    const { signal, abort } = abortable();
    for (let value = 0; value < 20; value += 1) await far.offer(value, { signal });
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    while (far.send(20) === "queued");
    const waiting = far.offer(22, { signal });
    abort();
    await expect(waiting).rejects.toThrow("enough");
    await expect(far.offer(23, { signal })).rejects.toThrow("enough");
    await far.offer(24);
    while (taken.at(-1) !== 24) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(taken.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, value) => value));
    expect(taken).not.toContain(22);
    close();
  });
});

function abortable(): { readonly signal: AbortSignal; readonly abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort(new Error("enough")) };
}

async function join(
  here: ReturnType<typeof realSystem>,
  there: ReturnType<typeof realSystem>,
  spawnable: NonNullable<Parameters<typeof connect>[2]>["spawnable"],
  inFlight = 100,
): Promise<{ readonly toThere: Connection; readonly close: () => void }> {
  const line = loopback(here.host, { codec: jsonCodec });
  const toThere = connect(here, line.here, { inFlight });
  const toHere = connect(there, line.there, { spawnable: spawnable ?? {} });
  await toThere.ready;
  return {
    toThere,
    close: () => {
      toThere.close();
      toHere.close();
    },
  };
}
