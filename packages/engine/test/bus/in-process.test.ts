import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type FlowReceiver, InProcessBus, isEngineError, ManualClock } from "../../src/index.ts";
import { decodeAnswer, decodeFrame } from "../../src/bus/flow-frame.ts";
import { SubjectTree } from "../../src/bus/subject-tree.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const turn = (): Promise<void> => new Promise(setImmediate);

describe("the subject tree", () => {
  const token = fc.constantFrom("a", "b", "c");
  const subject = fc.array(token, { minLength: 1, maxLength: 4 });
  const pattern = fc
    .tuple(fc.array(fc.oneof(token, fc.constant("*")), { maxLength: 4 }), fc.boolean())
    .map(([tokens, rest]) => [...tokens, ...(rest || tokens.length === 0 ? [">"] : [])]);

  test("finds what a plain comparison finds, also after removals", () => {
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 12 }), fc.array(fc.nat(11)), subject, (patterns, removed, subject) => {
        const tree = new SubjectTree<number>();
        for (const [index, each] of patterns.entries()) tree.add(each.join("."), index);
        for (const index of removed) tree.remove((patterns[index] ?? ["x"]).join("."), index);
        const wanted = patterns.flatMap((each, index) =>
          !removed.includes(index) && matches(each, subject) ? [index] : [],
        );
        assert.deepEqual(
          tree.matching(subject.join(".")).sort((a, b) => a - b),
          wanted,
        );
      }),
    );
  });

  function matches(pattern: string[], subject: string[]): boolean {
    const [head, ...rest] = pattern;
    if (head === ">") return subject.length > 0;
    if (head === undefined || subject.length === 0) return head === undefined && subject.length === 0;
    return (head === "*" || head === subject[0]) && matches(rest, subject.slice(1));
  }
});

describe("a flow's ends notice that the other is gone", () => {
  test("a silent sender fails the receiver, a receiver that grants nothing the sender", async () => {
    const clock = new ManualClock();
    const bus = new InProcessBus({ clock });
    const flows: FlowReceiver[] = [];
    bus.acceptFlows("f", (flow) => void flows.push(flow), { silenceMs: 15_000 });
    const sender = await bus.openFlow("f", { stallMs: 20_000 });
    const full = (async () => {
      for (;;) await sender.write(new Uint8Array(60_000));
    })();
    full.catch(() => undefined);
    for (let index = 0; index < 5; index += 1) {
      await turn();
      clock.advance(5000);
    }
    await assert.rejects(
      full,
      (error: unknown) => isEngineError(error, "unavailable") && /no room for 20000 ms/.test(error.message),
    );
    for (let index = 0; index < 5; index += 1) {
      await turn();
      clock.advance(5000);
    }
    const read = async (): Promise<void> => {
      for await (const _ of flows[0] ?? []);
    };
    await assert.rejects(read(), (error: unknown) => isEngineError(error, "unavailable"));
    await bus.close();
    expect(clock.pending).toBe(0);
  });

  test("a consumer that leaves, or fails, after the last frame has come tells the sender at once", async () => {
    const clock = new ManualClock();
    const bus = new InProcessBus({ clock });
    let isSent = (): void => undefined;
    bus.acceptFlows("f", async (flow) => {
      for await (const _ of flow) {
        await new Promise<void>((resolve) => (isSent = resolve));
        break;
      }
    });
    bus.acceptFlows("g", async (flow) => {
      for await (const _ of flow) {
        await new Promise<void>((resolve) => (isSent = resolve));
        throw new Error("cannot use it");
      }
    });
    for (const [subject, reason] of [
      ["f", /its consumer has left/],
      ["g", /its consumer has left|cannot use it/],
    ] as const) {
      const sender = await bus.openFlow(subject);
      await sender.write(bytes("one"));
      await sender.write(bytes("two"));
      const ended = sender.end();
      await turn();
      isSent();
      await assert.rejects(
        ended,
        (error: unknown) => isEngineError(error, "unavailable") && reason.test(error.message),
      );
    }
    await bus.close();
    expect(clock.pending).toBe(0);
  });

  test("a slow consumer that goes on taking is no dead one; one that throws at once is told", async () => {
    const clock = new ManualClock();
    const bus = new InProcessBus({ clock });
    let taken = 0;
    bus.acceptFlows("slow", async (flow) => {
      for await (const piece of flow) {
        taken += piece.byteLength;
        await new Promise<void>((resolve) => void clock.after(5000, resolve));
      }
    });
    const sender = await bus.openFlow("slow");
    const chunk = new Uint8Array(64 * 1024);
    const sending = { isOver: false };
    const sent = (async () => {
      // Twice its window: the second half of it is granted late.
      for (let count = 0; count < 32; count += 1) await sender.write(chunk);
      sender.abort("enough");
    })().finally(() => (sending.isOver = true));
    for (let second = 0; second < 300 && !sending.isOver; second += 1) {
      await turn();
      clock.advance(1000);
    }
    await sent;
    expect(taken).toBeGreaterThan(0);
    bus.acceptFlows("refusing", () => {
      throw new Error("not today");
    });
    const refused = await bus.openFlow("refusing");
    await turn();
    await assert.rejects(refused.write(chunk), /not today/);
    await bus.close();
  });

  test("a signal that aborts after the bus was closed, or while the flow is opened, harms nobody", async () => {
    const clock = new ManualClock();
    const bus = new InProcessBus({ clock });
    const [during, after] = [new AbortController(), new AbortController()];
    const received: unknown[] = [];
    bus.acceptFlows("f", async (flow) => {
      during.abort(new Error("changed my mind"));
      for await (const _ of flow);
    });
    bus.acceptFlows("g", async (flow) => {
      try {
        for await (const each of flow) received.push(each);
      } catch (error) {
        received.push(isEngineError(error, "unavailable"));
      }
    });
    await assert.rejects(bus.openFlow("f", { signal: during.signal }), /changed my mind/);
    const sender = await bus.openFlow("g", { signal: after.signal });
    await bus.close();
    after.abort();
    await assert.rejects(sender.write(bytes("late")), (error: unknown) => isEngineError(error, "unavailable"));
    clock.advance(15_000);
    await turn();
    expect(received).toEqual([true]);
    expect(clock.pending).toBe(0);
  });

  test("garbage frames are ignored", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (body) => {
        decodeFrame(body);
        decodeAnswer(body);
      }),
    );
  });
});

test("who is told of a failed handler may fail, too: the next message is handled", async () => {
  const bus = new InProcessBus();
  const handled: string[] = [];
  const subscription = bus.subscribe(
    "a",
    ({ body }) => {
      handled.push(new TextDecoder().decode(body));
      throw new Error("the handler");
    },
    {
      onError: () => {
        throw new Error("who is told");
      },
    },
  );
  for (const each of ["one", "two"]) {
    bus.publish("a", bytes(each));
    await turn();
  }
  expect(handled).toEqual(["one", "two"]);
  expect(subscription).toMatchObject({ pending: 0, failed: 2 });
  await bus.close();
});

test("a bound that bounds nothing is refused", async () => {
  const bus = new InProcessBus();
  for (const maxPending of [0, Number.NaN])
    expect(() => bus.subscribe("a", () => {}, { maxPending })).toThrow(RangeError);
  for (const silenceMs of [0, Number.NaN])
    expect(() => bus.acceptFlows("a", () => {}, { silenceMs })).toThrow(RangeError);
  await bus.close();
});

test("closing ends requests that wait, and later calls", async () => {
  const clock = new ManualClock();
  const bus = new InProcessBus({ clock });
  bus.subscribe("silent", () => undefined);
  const asked = bus.request("silent", bytes("x"), { timeoutMs: 1000, retry: "no" });
  await turn();
  await bus.close();
  await assert.rejects(asked, (error: unknown) => isEngineError(error, "closed"));
  assert.throws(
    () => bus.publish("a", bytes("x")),
    (error: unknown) => isEngineError(error, "closed"),
  );
  expect(clock.pending).toBe(0);
});

test("an idempotent request may wait out a moment without anybody", async () => {
  const clock = new ManualClock();
  const bus = new InProcessBus({ clock });
  const asked = bus.request("late", bytes("x"), { timeoutMs: 1000, retry: "idempotent" });
  await turn();
  bus.subscribe("late", ({ respond }) => respond?.(bytes("here")));
  clock.advance(50);
  expect(new TextDecoder().decode(await asked)).toBe("here");
  await bus.close();
});
