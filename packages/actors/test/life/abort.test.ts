import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import {
  actor,
  type ActorSystem,
  Entities,
  exit,
  MemorySnapshots,
  StartError,
  type ActorRef,
  type Context,
  type ExitReason,
} from "@constellation/actors";
import type { ManualHost } from "@constellation/actors/testkit";
import { closeManual, manualSystem } from "../fixtures/quiet-system.ts";

/** Waits until the signal aborts, and gives up with its reason, as `fetch` does. */
const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));

/** The same as Node's own calls do it: with an error of theirs. */
const untilAbortedByNode = (signal: AbortSignal): Promise<void> => sleep(60_000, undefined, { signal });

async function stopped(system: ActorSystem, host: ManualHost, ref: ActorRef<never>): Promise<ExitReason> {
  const ended = system.stop(ref);
  await host.settle();
  return await ended;
}

describe("an actor that is told to end while its handler waits", () => {
  it("ends in order when the handler gives up because of it", async () => {
    for (const wait of [untilAborted, untilAbortedByNode]) {
      const { system, host } = manualSystem();
      const reasons: ExitReason[] = [];
      const ref = system.spawn(
        actor({
          receive: (_state, _message: string, context) => wait(context.signal),
          onStop: (_state, reason) => void reasons.push(reason),
        }),
      );
      ref.send("wait");
      await host.settle();
      expect(await stopped(system, host, ref)).toEqual(exit.shutdown);
      expect(reasons).toEqual([exit.shutdown]);
      expect(host.lines).toEqual([]);
      await closeManual(system, host);
    }
  });

  it("ends with the failure when the handler fails on the way out", async () => {
    const { system, host } = manualSystem();
    const ref = system.spawn(
      actor({
        receive: (_state, _message: string, context) =>
          untilAborted(context.signal).catch(() => Promise.reject(new Error("not written"))),
      }),
    );
    ref.send("wait");
    await host.settle();
    expect(await stopped(system, host, ref)).toMatchObject({ kind: "error", error: { message: "not written" } });
    await closeManual(system, host);
  });

  it("fails by an abort that is not its own", async () => {
    const { system, host } = manualSystem();
    const ref = system.spawn(
      actor({ receive: (_state, _message: string) => untilAbortedByNode(AbortSignal.abort(new Error("another's"))) }),
    );
    ref.send("wait");
    await host.settle();
    expect(system.size).toBe(0);
    expect(host.lines[0]?.text).toContain("ended with error");
    await closeManual(system, host);
  });

  it("did not start, and for that reason, when it was starting", async () => {
    const { system, host } = manualSystem();
    let called = false;
    const ref = system.spawn(
      actor({
        onStart: (_args: void, context) => untilAborted(context.signal),
        receive: () => undefined,
        onStop: () => void (called = true),
      }),
    );
    const started = expect(system.whenStarted(ref)).rejects.toThrow(StartError);
    expect(await stopped(system, host, ref)).toEqual(exit.shutdown);
    await started;
    expect(called).toBe(false);
    await closeManual(system, host);
  });

  it("saves its state when it is an entity", async () => {
    const { system, host } = manualSystem();
    const snapshots = new MemorySnapshots();
    const cart = new Entities(system, { snapshots }).define<string, { items: string[] }>("cart", {
      create: () => ({ items: [] }),
      receive(state, message, { actor: context }) {
        if (message === "wait") return untilAborted(context.signal);
        state.items.push(message);
        return undefined;
      },
    });
    cart("1").send("book");
    cart("1").send("wait");
    await host.settle();
    await closeManual(system, host);
    expect(await snapshots.load("cart", "1")).toEqual({ items: ["book"] });
  });
});

describe("context.signal", () => {
  it("aborts when a linked actor ends with a failure, unless exits are trapped or the end is normal", async () => {
    for (const [message, trapExits, aborts] of [
      ["crash", false, true],
      ["crash", true, false],
      ["end", false, false],
    ] as const) {
      const { system, host } = manualSystem();
      const other = system.spawn(
        actor({
          receive(_state, order: "crash" | "end", context) {
            if (order === "crash") throw new Error("crash");
            context.stop();
          },
        }),
      );
      let aborted = false;
      const ref = system.spawn(
        actor({
          trapExits,
          onStart: (_args: void, context: Context<string>) => context.link(other),
          receive: (_state, _message: string, context) => untilAborted(context.signal).finally(() => (aborted = true)),
        }),
      );
      ref.send("wait");
      await host.settle();
      other.send(message);
      await host.settle();
      expect(aborted).toBe(aborts);
      expect(system.size).toBe(aborts ? 0 : 1);
      await closeManual(system, host);
    }
  });

  it("aborts when a piped message cannot be made", async () => {
    const { system, host } = manualSystem();
    const ref = system.spawn(
      actor({
        receive(_state, _message: string, context) {
          const fails = (): never => {
            throw new Error("no message");
          };
          context.pipe(Promise.resolve(1), fails, fails);
          return untilAborted(context.signal);
        },
      }),
    );
    ref.send("wait");
    await host.settle();
    expect(system.size).toBe(0);
    expect(host.lines[0]?.text).toContain("ended with error: no message");
    await closeManual(system, host);
  });

  it("aborts before onStop when an actor stops itself: what onStop waits for may hang on it", async () => {
    const { system, host } = manualSystem();
    const ref = system.spawn(
      actor({
        onStart: (_args: void, context: Context<"quit" | "quit later">) => ({
          loop: untilAborted(context.signal).catch((reason: unknown) => reason),
        }),
        async receive(_state, message, context) {
          if (message === "quit later") await Promise.resolve();
          context.stop(exit.shutdownWith("enough"));
        },
        onStop: async ({ loop }) => expect(await loop).toEqual(exit.shutdownWith("enough")),
      }),
    );
    const other = system.spawn(actor({ receive: (_state, _message: string, context) => context.stop() }));
    const ended = system.whenEnded(ref);
    ref.send("quit later");
    other.send("quit");
    await host.settle();
    expect(await ended).toEqual(exit.shutdownWith("enough"));
    await closeManual(system, host);
  });
});
