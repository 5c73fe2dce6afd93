import { describe, expect, it } from "vitest";
import {
  actor,
  AskError,
  child,
  connect,
  describeExit,
  exit,
  jsonCodec,
  loopback,
  remoteChild,
  supervise,
  supervisor,
  type Context,
  type ExitReason,
  type ReplyTo,
} from "@constellation/actors";
import { Probe } from "@constellation/actors/testkit";
import { errorToWire, reasonFromWire, reasonToWire, RemoteError } from "../src/remote/reasons.ts";
import { manualSystem } from "./fixtures/quiet-system.ts";

const idle = actor({ kind: "idle", receive: () => undefined });

describe("an exit reason", () => {
  it("is said in words, whatever it carries", () => {
    const texts: [ExitReason, string][] = [
      [exit.normal, "normal"],
      [exit.shutdown, "shutdown"],
      [exit.shutdownWith("why"), "shutdown: why"],
      [exit.error(new Error("broken")), "error: broken"],
      [exit.error({ code: 5 }), "error: [object Object]"],
      [exit.error(null), "error: null"],
      [exit.noconnection, "noconnection"],
    ];
    for (const [reason, text] of texts) expect(describeExit(reason)).toBe(text);
  });

  it("travels as plain data", () => {
    for (const reason of [exit.normal, exit.shutdown, exit.killed, exit.noproc, exit.noconnection])
      expect(reasonFromWire(reasonToWire(reason))).toBe(reason);
    const details: [unknown, unknown][] = [
      ["text", "text"],
      [5, 5],
      [null, null],
      [new Error("inner"), "inner"],
      [{ a: 1 }, "[object Object]"],
      [Symbol("s"), "Symbol(s)"],
    ];
    for (const [detail, arrived] of details)
      expect(reasonFromWire(reasonToWire(exit.shutdownWith(detail)))).toEqual(exit.shutdownWith(arrived));
    expect(reasonFromWire(reasonToWire(exit.error("text")))).toMatchObject({
      error: { message: "text", remoteName: "Error" },
    });
    expect(reasonFromWire({ kind: "error" })).toMatchObject({ error: { message: "unknown" } });
    const bare = new Error("bare");
    delete (bare as { stack?: string }).stack;
    expect(errorToWire(bare)).toEqual({ name: "Error", message: "bare" });
    expect(new RemoteError({ name: "X", message: "m", stack: "at x" }).stack).toContain("in another system:\nat x");
  });
});

describe("signals", () => {
  it("mean nothing to who does not handle them, and may be handled asynchronously", async () => {
    const { system, host } = manualSystem({ logDeadLetters: false });
    const deaf = system.spawn(
      actor({
        trapExits: true,
        onStart(other: ReturnType<typeof system.spawn>, context: Context<never>) {
          context.link(other);
          context.monitor(other);
        },
        receive: () => undefined,
      }),
      { args: system.spawn(idle, { name: "other" }) },
    );
    const order: string[] = [];
    const slow = system.spawn(
      actor({
        trapExits: true,
        onStart: (_args: void, context: Context<string>) => context.link(system.named("other")),
        receive: (_state, message: string) => void order.push(message),
        async onSignal(_state, signal) {
          await Promise.resolve();
          order.push(signal.kind);
        },
      }),
    );
    await host.settle();
    system.kill(system.named("other"));
    slow.send("after");
    await host.settle();
    expect(order).toEqual(["exit", "after"]);
    expect(system.find(deaf.id)).toBe(deaf);
  });

  it("deliver timers to async handlers too, and to the dead letters of who is ending", async () => {
    const { system, host } = manualSystem({ logDeadLetters: false });
    const seen: number[] = [];
    const ref = system.spawn(
      actor({
        onStart(_args: void, context: Context<number>) {
          context.sendAfter(1, 1);
          context.sendAfter(2, 2);
          context.sendAfter(30, 3);
        },
        async receive(_state, message: number) {
          await Promise.resolve();
          seen.push(message);
        },
        onStop: () => new Promise<void>((resolve) => void host.after(100, () => resolve())),
      }),
    );
    await host.advance(10);
    const ended = system.stop(ref);
    void system.stop(ref);
    await host.advance(200);
    expect(await ended).toEqual(exit.shutdown);
    expect(seen).toEqual([1, 2]);
  });

  it("that wait when an actor is killed are let go of", async () => {
    const { system } = manualSystem({ logDeadLetters: false });
    const probe = new Probe<string>(system);
    const busy = system.spawn(actor({ kind: "busy", receive: (_state, _message: number) => new Promise(() => {}) }));
    probe.context.pipe(
      Promise.resolve("x"),
      (value) => value,
      () => "",
    );
    await Promise.resolve();
    system.kill(probe.ref);
    expect(system.deadLetters.counts.dead).toBe(1);
    system.kill(busy);
  });
});

describe("an ask", () => {
  it("answered before it is awaited, or among others, leaves nothing behind", async () => {
    const { system, host } = manualSystem();
    const waiting: ReplyTo<number>[] = [];
    const ref = system.spawn(actor({ receive: (_state, replyTo: ReplyTo<number>) => void waiting.push(replyTo) }));
    const early = ref.ask<number>((replyTo) => {
      replyTo.send(0);
      return replyTo;
    });
    expect(await early).toBe(0);
    const answers = [1, 2, 3].map(() => ref.ask<number>((replyTo) => replyTo));
    await host.settle();
    waiting[2]?.send(2);
    waiting[1]?.send(1);
    waiting[3]?.send(3);
    expect(await Promise.all(answers)).toEqual([1, 2, 3]);
    expect(system.alarms.size).toBe(0);
    const outside = new Probe<number>(system).context.call<ReplyTo<number>, number>(ref, (replyTo) => replyTo, {
      timeoutMs: 5,
    });
    const caught = expect(outside).rejects.toThrow(AskError);
    await host.advance(5);
    await caught;
    const text = JSON.stringify({ ref });
    expect(text).toBe(`{"ref":"${String(ref)}"}`);
  });
});

describe("a remote child", () => {
  it("ends in order with its actor, and takes it along", async () => {
    const { system: here, host } = manualSystem({ logReports: false });
    const { system: there } = manualSystem();
    const line = loopback(host, { codec: jsonCodec, delayMs: 5 });
    const worker = actor({
      kind: "worker",
      receive: (_state, message: "normal" | "crash", context) => {
        if (message === "crash") throw new Error("there");
        context.stop();
      },
    });
    const connection = connect(here, line.here);
    const back = connect(there, line.there, { spawnable: { worker } });
    const run = async (): Promise<void> => {
      for (let turn = 0; turn < 6; turn += 1) {
        await host.advance(5);
        await (there.host as typeof host).advance(5);
      }
    };
    const start = remoteChild<"normal" | "crash">({ connection: () => connection, behavior: "worker" });
    const starting = supervise(
      here,
      supervisor({
        children: [child({ id: "w", name: "w", start, restart: "transient" }), child({ id: "v", name: "v", start })],
      }),
    );
    for (let turn = 0; turn < 4; turn += 1) await run();
    const tree = await starting;
    expect(there.size).toBe(2);
    here.named<"normal" | "crash">("w").send("normal");
    await run();
    await run();
    expect((await tree.whichChildren()).map(({ state }) => state.kind)).toEqual(["stopped", "running"]);
    const stopping = tree.stop();
    await run();
    await run();
    await stopping;
    await run();
    expect(there.size).toBe(0);
    const lone = here.spawn(start);
    await run();
    await run();
    const ended = here.stop(lone, exit.normal);
    await run();
    expect(await ended).toEqual(exit.normal);
    await run();
    expect(there.size).toBe(0);
    connection.close();
    connection.close();
    await run();
    expect(back.isOpen).toBe(false);
    back.close();
    const cut = loopback(host, { delayMs: 5 });
    cut.cut(new Error("before it was open"));
    cut.here.send([]);
    cut.here.close();
    await host.advance(10);
  });
});

describe("a supervisor", () => {
  it("does not mind exits of others, nor alarms that came too late", async () => {
    const { system, host } = manualSystem({ logReports: false });
    const tree = await supervise(system, supervisor({}));
    const other = system.spawn(
      actor({
        onStart: (_args: void, context: Context<string>) => context.link(tree.ref),
        receive: () => {
          throw new Error("not a child");
        },
      }),
    );
    other.send("crash");
    await host.settle();
    expect(await tree.countChildren()).toEqual({ specs: 0, active: 0, supervisors: 0, workers: 0 });
    system.kill(tree.ref);
    await expect(tree.countChildren()).rejects.toThrow("count children");
  });

  it("forgets a temporary child that ignores, and says which dynamic child crashed", async () => {
    const { system, host } = manualSystem();
    const { ignore } = await import("@constellation/actors");
    const ignoring = actor({ onStart: () => ignore, receive: () => undefined });
    const tree = await supervise(
      system,
      supervisor({ children: [{ id: "i", start: ignoring, restart: "temporary" }] }),
    );
    expect(await tree.whichChildren()).toEqual([]);
    const fragile = actor({
      kind: "fragile",
      receive: () => {
        throw new Error("x");
      },
    });
    const many = await supervise(
      system,
      supervisor({
        strategy: "simple_one_for_one",
        child: { start: fragile, restart: "temporary", mailbox: { capacity: 2 } },
      }),
    );
    const one = await many.startChild(undefined);
    if (one.kind === "started") one.ref.send(1);
    await host.settle();
    expect(host.lines.at(-1)?.text).toContain("child ended, local/fragile");
    expect((await many.countChildren()).active).toBe(0);
  });
});
