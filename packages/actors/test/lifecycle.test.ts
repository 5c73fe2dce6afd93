import { describe, expect, it } from "vitest";
import {
  actor,
  AskError,
  exit,
  ignore,
  NameTakenError,
  StartError,
  type ActorSignal,
  type Context,
  type ExitReason,
  type ReplyTo,
} from "@constellation/actors";
import { Probe, shutdownWithoutLeaks } from "@constellation/actors/testkit";
import { manualSystem } from "./fixtures/quiet-system.ts";

const idle = actor({ kind: "idle", receive: () => undefined });
const never = (): Promise<never> => new Promise(() => {});

describe("links", () => {
  it("end both when one crashes, and neither when one ends normally", async () => {
    const { system, host } = manualSystem();
    const crasher = actor({
      receive: (_state, message: "crash" | "stop", context: Context<"crash" | "stop">) => {
        if (message === "crash") throw new Error("crash");
        context.stop();
      },
    });
    for (const [message, lives] of [
      ["crash", 0],
      ["stop", 1],
    ] as const) {
      const one = system.spawn(crasher);
      const two = system.spawn(
        actor({ onStart: (_args: void, context) => context.link(one), receive: () => undefined }),
      );
      one.send(message);
      await host.settle();
      expect(system.find(two.id) === undefined ? 0 : 1, message).toBe(lives);
      system.kill(two);
    }
  });

  it("deliver exits to who traps them, the normal ones too, and from the dead at once", async () => {
    const { system } = manualSystem();
    const probe = new Probe<never>(system);
    const other = system.spawn(idle);
    probe.context.link(probe.ref);
    probe.context.link(other);
    probe.context.link(other);
    probe.context.exit(other, exit.normal);
    const advance = new Promise((resolve) => setImmediate(resolve));
    await advance;
    const { host } = system;
    await (host as ReturnType<typeof manualSystem>["host"]).settle();
    expect(await probe.expectSignal()).toMatchObject({ kind: "exit", reason: exit.normal });
    probe.context.link(other);
    await (host as ReturnType<typeof manualSystem>["host"]).settle();
    expect(await probe.expectSignal()).toMatchObject({ kind: "exit", reason: exit.noproc });
  });

  it("can be taken back, and made at spawn", async () => {
    const { system, host } = manualSystem();
    const probe = new Probe<never>(system);
    const child = probe.context.spawn(idle, { link: true });
    probe.context.unlink(child);
    system.kill(child);
    await host.settle();
    const linked = probe.context.spawn(idle, { link: true });
    system.kill(linked);
    await host.settle();
    expect(await probe.expectSignal()).toMatchObject({ kind: "exit", reason: exit.killed });
    const alone = system.spawn(idle, { link: true });
    system.kill(alone);
    await host.settle();
    expect(system.find(probe.ref.id)).toBeDefined();
    await settleShutdown(system, host);
  });
});

describe("monitors", () => {
  it("fire once with the reason, at once for the dead, and not when taken back", async () => {
    const { system, host } = manualSystem();
    const probe = new Probe<never>(system);
    const one = system.spawn(idle);
    const monitor = probe.context.monitor(one);
    probe.context.demonitor(probe.context.monitor(one));
    void system.stop(one, exit.shutdownWith("done"));
    await host.settle();
    expect(await probe.expectSignal()).toEqual({ kind: "down", monitor, ref: one, reason: exit.shutdownWith("done") });
    probe.context.demonitor(monitor);
    probe.context.monitor(one);
    await host.settle();
    expect(await probe.expectSignal()).toMatchObject({ kind: "down", reason: exit.noproc });
    const reasons: ExitReason[] = [];
    const two = system.spawn(idle);
    const unwatch = system.watch(two, (reason) => reasons.push(reason));
    unwatch();
    unwatch();
    system.watch(two, (reason) => reasons.push(reason));
    system.kill(two);
    expect(reasons).toEqual([exit.killed]);
    expect(await system.whenEnded(two)).toEqual(exit.noproc);
    const gone = system.named("nobody");
    expect(await system.whenEnded(gone)).toEqual(exit.noproc);
    probe.context.monitor(system.spawn(idle));
    system.kill(probe.ref);
    await settleShutdown(system, host);
  });
});

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

describe("groups", () => {
  it("work as pg: several joins, broadcast, pick in turn and at random, and are left at the end", async () => {
    const { system, host } = manualSystem({ logDeadLetters: false });
    const changes: string[] = [];
    const unsubscribe = system.groups.subscribe(({ kind, group }) => changes.push(`${kind} ${group}`));
    const one = new Probe<number>(system);
    const two = new Probe<number>(system);
    system.groups.join("g", one.ref);
    system.groups.join("g", two.ref);
    system.groups.join("g", one.ref);
    expect(system.groups.members("g")).toEqual([one.ref, two.ref, one.ref]);
    expect(system.groups.broadcast("g", 7)).toBe(3);
    await host.settle();
    expect([one.waiting, two.waiting]).toEqual([2, 1]);
    expect([1, 2, 3, 4].map(() => system.groups.pick("g"))).toEqual([one.ref, two.ref, one.ref, one.ref]);
    expect([one.ref, two.ref]).toContain(system.groups.pick("g", "random"));
    expect(system.groups.leave("g", two.ref)).toBe(true);
    expect(system.groups.leave("g", two.ref)).toBe(false);
    expect(system.groups.leave("g", system.named("nobody"))).toBe(false);
    system.groups.join("h", one.ref);
    system.kill(one.ref);
    expect(system.groups.groups()).toEqual([]);
    expect(system.groups.pick("g")).toBeUndefined();
    expect(system.groups.members("g")).toEqual([]);
    expect(system.groups.broadcast("g", 1)).toBe(0);
    expect(() => system.groups.join("g", one.ref)).toThrow("does not live");
    unsubscribe();
    system.groups.join("g", two.ref);
    expect(changes).toEqual(["join g", "join g", "join g", "leave g", "join h", "leave g", "leave g", "leave h"]);
  });
});

describe("ask", () => {
  it("times out on the injected clock, and drops and counts what comes late", async () => {
    const { system, host } = manualSystem();
    let late: ReplyTo<number> | null = null;
    const ref = system.spawn(actor({ receive: (_state, replyTo: ReplyTo<number>) => void (late = replyTo) }));
    const answer = ref.ask<number>((replyTo) => replyTo, { timeoutMs: 250 });
    const caught = expect(answer).rejects.toMatchObject({ code: "timeout" });
    await host.advance(249);
    expect(system.alarms.size).toBe(1);
    await host.advance(1);
    await caught;
    (late as unknown as ReplyTo<number>).send(1);
    (late as unknown as ReplyTo<number>).fail(new Error("late"));
    expect(system.counters.lateReplies).toBe(2);
    expect(system.alarms.size).toBe(0);
  });

  it("can be given up, fails with what the actor says, and is not taken by a full or dead actor", async () => {
    const { system, host } = manualSystem({ logDeadLetters: false });
    const ref = system.spawn(
      actor({ mailbox: { capacity: 1 }, receive: (_state, replyTo: ReplyTo<number>) => replyTo.fail(new Error("no")) }),
    );
    const abort = new AbortController();
    const given = ref.ask<number>((replyTo) => replyTo, { signal: abort.signal, timeoutMs: Infinity });
    const caught = expect(given).rejects.toThrow("enough");
    await expect(ref.ask<number>((replyTo) => replyTo)).rejects.toMatchObject({ code: "rejected" });
    abort.abort(new Error("enough"));
    await caught;
    await host.settle();
    const failed = ref.ask<number>((replyTo) => replyTo, { signal: new AbortController().signal });
    const failure = expect(failed).rejects.toThrow("no");
    await host.settle();
    await failure;
    await expect(ref.ask<number>((r) => r, { signal: AbortSignal.abort(new Error("never")) })).rejects.toThrow("never");
    await expect(
      ref.ask<number>(() => {
        throw new Error("builder");
      }),
    ).rejects.toThrow("builder");
    system.kill(ref);
    await expect(ref.ask<number>((replyTo) => replyTo)).rejects.toMatchObject({ code: "dead" });
  });

  it("refuses a circle of actors that ask each other, and only that", async () => {
    const { system, host } = manualSystem();
    type Message = { readonly hops: number; readonly replyTo: ReplyTo<string> };
    const hopper = actor({
      kind: "hopper",
      async receive(_state, { hops, replyTo }: Message, context) {
        if (hops === 0) {
          replyTo.send("end");
          return;
        }
        const next = system.named<Message>(hops === 3 ? "a" : hops === 2 ? "b" : "c");
        const reply = await context
          .call<Message, string>(next, (to) => ({ hops: hops - 1, replyTo: to }))
          .catch((error: AskError) => error.code);
        replyTo.send(reply);
      },
    });
    for (const name of ["a", "b"]) system.spawn(hopper, { name });
    const circle = system.named<Message>("a").ask<string>((replyTo) => ({ hops: 3, replyTo }));
    await host.settle();
    expect(await circle).toBe("cycle");
    system.spawn(hopper, { name: "c" });
    const chain = system.named<Message>("b").ask<string>((replyTo) => ({ hops: 1, replyTo }));
    await host.settle();
    expect(await chain).toBe("end");
    const nobody = system.spawn(hopper).ask<string>((replyTo) => ({ hops: 3, replyTo }));
    system.kill(system.registry.whereIs("a") as never);
    await host.settle();
    expect(await nobody).toBe("dead");
  });
});

describe("timers", () => {
  it("deliver once or in rhythm on the injected clock, and end with their actor", async () => {
    const { system, host } = manualSystem();
    const probe = new Probe<string>(system);
    probe.context.sendAfter(10, "once");
    const cancelled = probe.context.sendAfter(10, "never");
    const every = probe.context.sendEvery(4, "tick");
    expect(cancelled.cancel()).toBe(true);
    expect(cancelled.cancel()).toBe(false);
    await host.advance(13);
    const seen: string[] = [];
    while (probe.waiting > 0) seen.push(await probe.expect());
    expect(seen).toEqual(["tick", "tick", "once", "tick"]);
    expect(every.cancel()).toBe(true);
    probe.context.sendEvery(5, "tick");
    probe.context.sendAfter(5, "late");
    system.kill(probe.ref);
    expect(system.alarms.size).toBe(0);
    expect(host.pendingTimers).toBeLessThanOrEqual(1);
    expect(() => probe.context.sendAfter(-1, "x")).toThrow(RangeError);
    expect(() => probe.context.sendEvery(0, "x")).toThrow(RangeError);
  });

  it("tell of silence again and again, until a message or null", async () => {
    const { system, host } = manualSystem();
    const signals: ActorSignal[] = [];
    const ref = system.spawn(
      actor({
        onStart: (_args: void, context: Context<"on" | "off">) => context.setReceiveTimeout(10),
        receive: (_state, message: "on" | "off", context: Context<"on" | "off">) =>
          context.setReceiveTimeout(message === "on" ? 5 : null),
        onSignal: (_state, signal) => void signals.push(signal),
      }),
    );
    await host.advance(25);
    expect(signals).toEqual([10, 10].map((idleMs) => ({ kind: "receive-timeout", idleMs })));
    ref.send("on");
    await host.advance(6);
    expect(signals).toHaveLength(3);
    ref.send("off");
    await host.advance(100);
    expect(signals).toHaveLength(3);
    const bad = system.spawn(
      actor({ onStart: (_args: void, context) => context.setReceiveTimeout(0), receive: () => undefined }),
    );
    expect(await system.whenEnded(bad)).toEqual(exit.noproc);
    await expect(system.whenStarted(bad)).rejects.toThrow(StartError);
  });

  it("skip beats that were missed", async () => {
    const { system, host } = manualSystem();
    const probe = new Probe<string>(system);
    probe.context.sendEvery(10, "tick");
    host.jump(95);
    await host.advance(10);
    expect(probe.waiting).toBe(2);
  });
});

describe("an end", () => {
  it("waits for an async handler, which sees the abort, and kills who does not stop in time", async () => {
    const { system, host } = manualSystem({ logDeadLetters: false });
    const polite = system.spawn(
      actor({
        async receive(_state, _message: number, context) {
          const { signal } = context;
          await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
        },
      }),
    );
    polite.send(1);
    polite.send(2);
    await host.settle();
    const ended = system.stop(polite);
    await host.settle();
    expect(await ended).toEqual(exit.shutdown);
    expect(system.deadLetters.counts.dead).toBe(1);
    const stubborn = system.spawn(actor({ receive: never }));
    stubborn.send(1);
    await host.settle();
    const killed = system.stop(stubborn, exit.shutdown, 50);
    await host.advance(50);
    expect(await killed).toEqual(exit.killed);
    const hanging = system.spawn(actor({ receive: () => undefined, onStop: never }));
    const hung = system.stop(hanging);
    await host.advance(5000);
    expect(await hung).toEqual(exit.killed);
  });

  it("takes the reason of onStop's failure, sync or async, and of a handler's", async () => {
    const { system, host } = manualSystem();
    const failing = [
      actor({
        receive: () => undefined,
        onStop: () => {
          throw new Error("sync");
        },
      }),
      actor({ receive: () => undefined, onStop: () => Promise.reject(new Error("async")) }),
    ];
    for (const behavior of failing) {
      const ended = system.stop(system.spawn(behavior));
      await host.settle();
      expect((await ended).kind).toBe("error");
    }
    const late = system.spawn(
      actor({
        async receive(_state, _message: number, context) {
          context.stop();
          context.stop(exit.shutdown);
          await Promise.resolve();
          throw new Error("on the way out");
        },
      }),
    );
    const ended = system.whenEnded(late);
    late.send(1);
    await host.settle();
    expect(await ended).toMatchObject({ kind: "error" });
  });

  it("comes by stop from inside and out, and by kill from inside", async () => {
    const { system, host } = manualSystem({ logDeadLetters: false });
    type Message = "stop" | "kill" | "later" | "kill-crash";
    const reasons: string[] = [];
    const behavior = actor({
      receive(_state, message: Message, context: Context<Message>) {
        if (message === "stop") context.stop(exit.shutdownWith("inside"));
        else if (message === "later") void Promise.resolve().then(() => context.stop());
        else {
          system.kill(context.self);
          system.kill(context.self);
          if (message === "kill-crash") throw new Error("while dying");
        }
      },
      onStop: (_state, reason) => void reasons.push(reason.kind),
    });
    for (const [message, kind] of [
      ["stop", "shutdown"],
      ["later", "normal"],
      ["kill", "killed"],
      ["kill-crash", "killed"],
    ] as const) {
      const ref = system.spawn(behavior);
      const ended = system.whenEnded(ref);
      ref.send(message);
      await host.settle();
      expect((await ended).kind, message).toBe(kind);
    }
    expect(reasons).toEqual(["shutdown", "normal"]);
    const named = system.spawn(idle, { name: "n" });
    system.kill(system.named("n"));
    system.kill(system.named("n"));
    expect(await system.whenEnded(named)).toEqual(exit.noproc);
  });

  it("takes the children along: in order first, by force after a while", async () => {
    const { system, host } = manualSystem({ stopTimeoutMs: 100 });
    const order: string[] = [];
    const child = actor({
      onStart: (name: string) => name,
      receive: () => undefined,
      onStop: (name, reason) => (name === "stuck" ? never() : void order.push(`${name} ${reason.kind}`)),
    });
    const parent = actor({
      onStart(names: string[], context: Context<never>) {
        for (const args of names) context.spawn(child, { args });
      },
      receive: () => undefined,
      onStop: () => void order.push("parent"),
    });
    const inOrder = system.stop(system.spawn(parent, { args: ["a", "b"] }));
    await host.settle();
    expect(await inOrder).toEqual(exit.shutdown);
    expect(order.splice(0)).toEqual(["b shutdown", "a shutdown", "parent"]);
    const forced = system.stop(system.spawn(parent, { args: ["stuck", "c"] }), exit.shutdown, Infinity);
    await host.advance(100);
    expect(await forced).toEqual(exit.shutdown);
    expect(order.splice(0)).toEqual(["c shutdown", "parent"]);
    system.kill(system.spawn(parent, { args: ["stuck", "d"] }));
    await host.advance(100);
    expect(order).toEqual(["d killed"]);
    expect(system.size).toBe(0);
  });

  it("is a failed start when onStart throws, rejects, stops or is killed", async () => {
    const { system, host } = manualSystem();
    const starts: [string, (context: Context<never>) => unknown][] = [
      ["error", () => Promise.reject(new Error("async"))],
      ["normal", async (context) => context.stop()],
      ["killed", async (context) => system.kill(context.self)],
      ["shutdown", (context) => (context.stop(exit.shutdown), Promise.resolve())],
    ];
    for (const [kind, begin] of starts) {
      const ref = system.spawn(
        actor({ onStart: (_args: void, context: Context<never>) => begin(context), receive: () => undefined }),
      );
      const started = expect(system.whenStarted(ref)).rejects.toMatchObject({ reason: { kind } });
      await host.settle();
      await started;
    }
    const ignored = system.spawn(actor({ onStart: () => Promise.resolve(ignore), receive: () => undefined }));
    const ended = system.whenEnded(ignored);
    await host.settle();
    expect(await ended).toEqual(exit.normal);
    const withChild = system.spawn(
      actor({
        onStart(_args: void, context: Context<never>) {
          context.spawn(idle);
          throw new Error("after a child");
        },
        receive: () => undefined,
        onStop: () => {
          throw new Error("there is no state to stop");
        },
      }),
    );
    const reason = system.whenEnded(withChild);
    await host.settle();
    expect(await reason).toMatchObject({ error: { message: "after a child" } });
    const killedInside = system.spawn(
      actor({
        onStart(_args: void, context: Context<never>) {
          system.kill(context.self);
          throw new Error("too late");
        },
        receive: () => undefined,
      }),
    );
    await expect(system.whenStarted(killedInside)).rejects.toThrow(StartError);
    const lingering = system.spawn(
      actor({
        onStart: () => new Promise<number>((resolve) => setTimeout(() => resolve(1), 5)),
        receive: () => undefined,
      }),
    );
    system.kill(lingering);
    await new Promise((resolve) => setTimeout(resolve, 10));
    await host.settle();
    expect(system.size).toBe(0);
  });

  it("does not let an ending actor spawn", async () => {
    const { system, host } = manualSystem();
    let problem: unknown;
    const ref = system.spawn(
      actor({
        receive: () => undefined,
        onStop: (_state, _reason, context) => {
          try {
            context.spawn(idle);
          } catch (error) {
            problem = error;
          }
          expect(context.signal.aborted).toBe(true);
        },
      }),
    );
    void system.stop(ref);
    await host.settle();
    expect(problem).toMatchObject({ message: expect.stringContaining("that actor is ending") as string });
  });
});

describe("handlers", () => {
  it("return the next state, or a promise of it, and may crash asynchronously", async () => {
    const { system, host } = manualSystem();
    const ref = system.spawn(
      actor({
        onStart: () => 1,
        receive(state, message: number | ReplyTo<number>) {
          if (typeof message !== "number") {
            message.send(state);
            return undefined;
          }
          return message > 0 ? Promise.resolve(state + message) : state * 2;
        },
      }),
    );
    ref.send(4);
    ref.send(-1);
    const total = ref.ask<number>((replyTo) => replyTo);
    await host.settle();
    expect(await total).toBe(10);
    const crasher = system.spawn(actor({ receive: (_state, _message: number) => Promise.reject(new Error("async")) }));
    const ended = system.whenEnded(crasher);
    crasher.send(1);
    await host.settle();
    expect(await ended).toMatchObject({ kind: "error" });
    const doomed = [true, false].map((works) => {
      const later = (): Promise<void> =>
        new Promise((resolve, reject) => setTimeout(() => (works ? resolve() : reject(new Error("nobody cares"))), 5));
      const busy = system.spawn(actor({ receive: (_state, _message: number) => later() }));
      busy.send(1);
      return busy;
    });
    await host.settle();
    for (const busy of doomed) system.kill(busy);
    await new Promise((resolve) => setTimeout(resolve, 10));
    await host.settle();
    expect(system.size).toBe(1);
  });

  it("get the outcome of a piped promise as a message", async () => {
    const { system, host } = manualSystem();
    const probe = new Probe<string>(system);
    const pipe = (promise: Promise<number>): void =>
      probe.context.pipe(
        promise,
        (value) => `value ${value}`,
        (error) => `error ${(error as Error).message}`,
      );
    pipe(Promise.resolve(1));
    pipe(Promise.reject(new Error("x")));
    await host.settle();
    expect([await probe.expect(), await probe.expect()].sort()).toEqual(["error x", "value 1"]);
    const ended = system.whenEnded(probe.ref);
    probe.context.pipe(
      Promise.resolve(1),
      () => {
        throw new Error("bad builder");
      },
      () => "",
    );
    await host.settle();
    expect(await ended).toMatchObject({ error: { message: "bad builder" } });
  });

  it("give way to other actors with a message to themselves, and to timers when saturated", async () => {
    const { system, host } = manualSystem({ slice: { messages: 10 } });
    const order: string[] = [];
    const looper = actor({
      onStart: (name: string) => ({ name, left: 3 }),
      receive(state, message: string, context) {
        order.push(state.name);
        if ((state.left -= 1) > 0) context.self.send(message);
      },
    });
    system.spawn(looper, { args: "a" }).send("go");
    system.spawn(looper, { args: "b" }).send("go");
    await host.settle();
    expect(order).toEqual(["a", "b", "a", "b", "a", "b"]);
  });

  it("free what they do not need when hibernating", async () => {
    const { system, host } = manualSystem();
    const ref = system.spawn(
      actor({ receive: (_state, message: number, context) => void (message === 0 && context.hibernate()) }),
    );
    for (let value = 100; value >= 0; value -= 1) ref.send(value);
    await host.settle();
    ref.send(0);
    await host.settle();
    expect(system.find(ref.id)).toBe(ref);
  });
});

async function settleShutdown(
  system: Parameters<typeof shutdownWithoutLeaks>[0],
  host: { advance(ms: number): Promise<void> },
): Promise<void> {
  const done = shutdownWithoutLeaks(system);
  await host.advance(10);
  await done;
}
