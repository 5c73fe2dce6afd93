import { describe, expect, it } from "vitest";
import { actor, exit, ignore, StartError, type Context } from "@constellation/actors";
import { manualSystem } from "../fixtures/quiet-system.ts";

const idle = actor({ kind: "idle", receive: () => undefined });

const never = (): Promise<never> => new Promise(() => {});

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
