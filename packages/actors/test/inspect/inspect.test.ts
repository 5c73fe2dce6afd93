import { describe, expect, it } from "vitest";
import {
  actor,
  ActorSystem,
  child,
  defaultHost,
  formatTraceparent,
  parseTraceparent,
  snapshot,
  supervise,
  supervisor,
  tree,
  type Context,
  type DeadLetter,
  type Span,
} from "@constellation/actors";
import { manualSystem } from "../fixtures/quiet-system.ts";

const worker = actor({
  kind: "worker",
  receive: (_state, message: string) => {
    if (message === "crash") throw new Error("crash");
  },
});

describe("the tree", () => {
  it("shows who lives under whom, with status, mailbox, messages and restarts", async () => {
    const { system, host } = manualSystem({ logReports: false });
    const pool = supervisor({ strategy: "simple_one_for_one", kind: "pool", child: { start: worker } });
    await supervise(
      system,
      supervisor({
        kind: "app",
        strategy: "rest_for_one",
        children: [child({ id: "a", name: "a", start: worker }), child({ id: "pool", start: pool })],
      }),
    );
    const busy = system.spawn(actor({ kind: "busy", receive: () => new Promise(() => {}) }), { name: "busy" });
    const starting = system.spawn(
      actor({ kind: "slow", onStart: () => new Promise<number>(() => {}), receive: () => undefined }),
    );
    const stopping = system.spawn(
      actor({ kind: "last", receive: () => undefined, onStop: () => new Promise(() => {}) }),
    );
    system.named<string>("a").send("crash");
    await host.settle();
    void system.stop(stopping);
    system.named<string>("a").send("hello");
    await host.settle();
    busy.send(1);
    busy.send(2);
    await host.settle();
    system.named<string>("a").send("waits");
    const text = tree(system).replaceAll(/\.6710886\d/g, ".N");
    expect(text).toBe(
      [
        "local: 6 actors, 3 messages, 1 restarts",
        "├─ app.1, rest_for_one, idle, mailbox 0, messages 0",
        "│  ├─ a (worker.N), ready, mailbox 1, messages 1, restarts 1",
        "│  └─ pool (pool.N), simple_one_for_one, idle, mailbox 0, messages 0",
        "├─ busy (busy.4), busy, mailbox 1, messages 1",
        "├─ slow.5, starting, mailbox 0, messages 0",
        "└─ last.6, stopping, mailbox 0, messages 0",
      ].join("\n"),
    );
    const data = snapshot(system);
    expect(JSON.parse(JSON.stringify(data))).toEqual(data);
    expect(data).toMatchObject({
      name: "local",
      actors: 6,
      restarts: 1,
      messages: 3,
      lateReplies: 0,
      deadLetters: { dead: 0 },
    });
    expect(data.tree[0]?.reductions).toBeGreaterThan(0);
    expect(tree(system, 1).split("\n").at(-1)).toBe("└─ … 3 more");
    system.kill(starting);
  });
});

describe("hooks", () => {
  it("see spawns, messages with their time, and exits", async () => {
    const seen: string[] = [];
    const { system, host } = manualSystem({
      hooks: {
        onSpawn: (ref) => void seen.push(`spawn ${String(ref)}`),
        onExit: (ref, reason) => void seen.push(`exit ${ref.address} ${reason.kind}`),
        onMessage: (ref, message, tookMs) => void seen.push(`${ref.address} ${String(message)} ${tookMs}`),
      },
    });
    const slow = actor({ kind: "slow", receive: (_state, _message: string) => host.jump(3) });
    const ref = system.spawn(slow);
    ref.send("hello");
    await host.settle();
    system.kill(ref);
    expect(seen.slice(1)).toEqual(["spawn local/slow.1", "local/slow.1 hello 3", "exit local/slow.1 killed"]);
  });
});

describe("dead letters", () => {
  it("are told to subscribers, and to the log now and then", async () => {
    const { system, host } = manualSystem();
    const letters: DeadLetter[] = [];
    const unsubscribe = system.deadLetters.subscribe((letter) => void letters.push(letter));
    const ref = system.spawn(worker);
    system.kill(ref);
    for (let index = 0; index < 3; index += 1) ref.send("x");
    unsubscribe();
    await host.advance(6000);
    ref.send("y");
    expect(letters).toEqual(Array.from({ length: 3 }, () => ({ ref, message: "x", cause: "dead" })));
    expect(host.lines.map(({ text }) => text)).toEqual([
      "dead letter: a message to local/worker.1 was not handled: dead",
      "dead letter: a message to local/worker.1 was not handled: dead (and 2 more since the last such line)",
    ]);
    expect(system.deadLetters.total).toBe(4);
  });
});

describe("tracing", () => {
  it("follows a message from actor to actor, and continues a trace from outside", async () => {
    const spans: Span[] = [];
    const { system, host } = manualSystem({ onSpan: (span) => void spans.push(span), logDeadLetters: false });
    const end = system.spawn(
      actor({
        kind: "end",
        mailbox: { priority: () => 0, capacity: 1, overflow: "drop-oldest" },
        receive: (_state, _message: string) => undefined,
      }),
    );
    const start = system.spawn(
      actor({
        kind: "start",
        receive(_state, message: string) {
          expect(system.tracing.current?.spanId).toBeDefined();
          end.send(message);
          end.send(`${message}!`);
        },
      }),
    );
    const outside = parseTraceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    system.tracing.within(outside, () => start.send("hello"));
    await host.settle();
    expect(spans.map(({ ref, message }) => [ref.address, message])).toEqual([
      ["local/start.2", "hello"],
      ["local/end.1", "hello!"],
    ]);
    expect(spans.map(({ traceId }) => traceId)).toEqual([outside?.traceId, outside?.traceId]);
    expect(spans[0]?.parentSpanId).toBe(outside?.spanId);
    expect(spans[1]?.parentSpanId).toBe(spans[0]?.spanId);
    expect(parseTraceparent(formatTraceparent(spans.at(0)!))?.spanId).toBe(spans[0]?.spanId);
    expect(system.tracing.current).toBeNull();
    const letters: unknown[] = [];
    system.deadLetters.subscribe(({ message }) => void letters.push(message));
    start.send("bye");
    end.send("bye");
    for (const ref of [start, end]) system.kill(ref);
    expect(letters).toEqual(["bye", "bye"]);
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(2);
  });

  it("does not take what is no traceparent", () => {
    for (const text of [
      "",
      "00-0-0-01",
      `00-${"0".repeat(32)}-${"1".repeat(16)}-01`,
      `00-${"1".repeat(32)}-${"0".repeat(16)}-01`,
    ])
      expect(parseTraceparent(text)).toBeNull();
  });
});

describe("the default host", () => {
  it("is this engine's clock, event loop and console", async () => {
    const host = defaultHost();
    const order: string[] = [];
    const timer = host.after(1, () => order.push("timer"));
    timer.unref?.();
    timer.ref?.();
    host.after(0, () => order.push("never")).cancel();
    host.later(() => order.push("later"));
    host.soon(() => order.push("soon"));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(order[0]).toBe("soon");
    expect([...order].sort()).toEqual(["later", "soon", "timer"]);
    expect(host.random()).toBeLessThan(1);
    expect(host.nowMs()).toBeGreaterThan(0);
    const said: unknown[][] = [];
    const real = console.info;
    console.info = (...parts: unknown[]) => void said.push(parts);
    host.log("info", "hello");
    host.log("info", "hello", 1);
    console.info = real;
    expect(said).toEqual([["hello"], ["hello", 1]]);
  });

  it("finds another way to be called later where there is no setImmediate", async () => {
    const real = globalThis.setImmediate;
    Reflect.deleteProperty(globalThis, "setImmediate");
    try {
      const { macrotask } = await import("../../src/host.ts");
      const later = macrotask();
      const order: number[] = [];
      await new Promise<void>((resolve) => {
        later(() => order.push(1));
        later(() => {
          order.push(2);
          resolve();
        });
      });
      expect(order).toEqual([1, 2]);
    } finally {
      globalThis.setImmediate = real;
    }
  });

  it("keeps going with timers and I/O of the process while actors are saturated", async () => {
    const system = new ActorSystem();
    let runs = true;
    const looper = system.spawn(
      actor({
        receive(_state, message: number, context: Context<number>) {
          if (runs) context.self.send(message + 1);
        },
      }),
    );
    looper.send(0);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const slices = snapshot(system).slices;
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(snapshot(system).slices).toBeGreaterThan(slices);
    runs = false;
    await system.shutdown();
  });
});
