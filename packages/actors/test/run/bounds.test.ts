import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { actor, ActorSystem, type Context, type OverflowPolicy, snapshot } from "@constellation/actors";
import { ManualHost } from "@constellation/actors/testkit";
import { checkLeaks, realSystem } from "../fixtures/quiet-system.ts";

checkLeaks();

/** Counts what a system asks of its host. */
class CountingHost extends ManualHost {
  asked = 0;

  override soon(task: () => void): void {
    this.asked += 1;
    super.soon(task);
  }

  override later(task: () => void): void {
    this.asked += 1;
    super.later(task);
  }

  override after(delayMs: number, task: () => void): ReturnType<ManualHost["after"]> {
    this.asked += 1;
    return super.after(delayMs, task);
  }
}

describe("what nothing is asked of", () => {
  it("asks nothing of the machine: a hundred thousand idle actors", async () => {
    const host = new CountingHost();
    const system = new ActorSystem({ host });
    const handled: number[] = [];
    const idler = actor({ receive: (_state, message: number) => void handled.push(message) });
    const refs = Array.from({ length: 100_000 }, () => system.spawn(idler));
    await host.settle();
    host.asked = 0;
    await host.advance(60_000);
    expect({ asked: host.asked, timers: host.pendingTimers }).toEqual({ asked: 0, timers: 0 });
    refs[77_777]?.send(1);
    await host.settle();
    expect(handled).toEqual([1]);
  });
});

describe("a producer ten times as fast as its consumer", () => {
  it.each<OverflowPolicy>(["reject", "drop-newest", "drop-oldest"])(
    "fills the mailbox and no more (%s); all that was sent was handled or reported",
    async (overflow) => {
      const system = realSystem({ logDeadLetters: false });
      const capacity = 1000;
      const wanted = 200_000;
      let [sent, handled, deepest] = [0, 0, 0];
      const consumer = system.spawn(
        actor({
          kind: "consumer",
          mailbox: { capacity, overflow },
          receive: (_state, _message: number) => void (handled += 1),
        }),
      );
      const ended = new Promise<void>((resolve) => {
        const producer = system.spawn(
          actor({
            kind: "producer",
            receive(_state, _message: null, { self }) {
              // Ten for each that the consumer can handle in its turn.
              for (let each = 0; each < 10 * 128; each += 1) consumer.send((sent += 1));
              const [seen] = snapshot(system).tree.filter(({ kind }) => kind === "consumer");
              deepest = Math.max(deepest, seen?.mailbox ?? Number.POSITIVE_INFINITY);
              if (sent < wanted) self.send(null);
              else resolve();
            },
          }),
        );
        producer.send(null);
      });
      await ended;
      await expect.poll(() => handled + system.deadLetters.total).toBe(sent);
      expect(deepest).toBeLessThanOrEqual(capacity);
      expect(system.deadLetters.total).toBeGreaterThan(0);
    },
  );
});

describe("actors that never stop talking", () => {
  it("leave the timers and the files of their process their turn", async () => {
    const system = realSystem();
    let messages = 0;
    const talker = system.spawn(
      actor({
        receive(_state, _message: null, { self }) {
          messages += 1;
          self.send(null);
        },
      }),
    );
    talker.send(null);
    await sleep(1);
    const text = await readFile(import.meta.filename, "utf8");
    expect(text).toContain("never stop talking");
    expect(messages).toBeGreaterThan(0);
  });

  it("leave others their turn when each signal brings the next one, as a monitor of a name that nobody has yet", async () => {
    const system = realSystem();
    const most = 3_000_000;
    let signals = 0;
    const watchDatabase = (context: Context<string>): void => void context.monitor(system.named("database"));
    const watcher = system.spawn(
      actor({
        onStart: (_args: void, context: Context<string>) => watchDatabase(context),
        receive: () => undefined,
        onSignal(_state, _signal, context) {
          signals += 1;
          if (signals < most) watchDatabase(context);
        },
      }),
    );
    await sleep(1);
    system.spawn(actor({ kind: "database", receive: () => undefined }), { name: "database" });
    await sleep(1);
    expect(signals).toBeGreaterThan(0);
    expect(signals).toBeLessThan(most);
    expect(snapshot(system).tree.find(({ id }) => id === watcher.id)?.status).toBe("idle");
  });
});
