import { describe, expect, it } from "vitest";
import { actor, type ActorRef, type MailboxOptions, type OverflowPolicy } from "@constellation/actors";
import { Probe } from "@constellation/actors/testkit";
import { fc } from "../fixtures/fast-check.ts";
import { manualSystem } from "../fixtures/quiet-system.ts";

const recorder = (seen: number[], mailbox: MailboxOptions<number>) =>
  actor({ mailbox, receive: (_state, message: number) => void seen.push(message) });

describe("a mailbox", () => {
  it("does what its policy says, as a model does, and counts every drop", async () => {
    const policies: OverflowPolicy[] = ["reject", "drop-newest", "drop-oldest", "block"];
    const action = fc.oneof(
      { weight: 8, arbitrary: fc.constant("send") },
      { weight: 1, arbitrary: fc.constant("run") },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...policies),
        fc.integer({ min: 1, max: 40 }),
        fc.array(action, { maxLength: 200 }),
        async (overflow, capacity, actions) => {
          const { system, host } = manualSystem({ logDeadLetters: false });
          const seen: number[] = [];
          const ref = system.spawn(recorder(seen, { capacity, overflow }));
          const model: number[] = [];
          const handled: number[] = [];
          let [sent, rejected, dropped] = [0, 0, 0];
          for (const what of actions) {
            if (what === "run") {
              await host.settle();
              handled.push(...model.splice(0));
              continue;
            }
            sent += 1;
            const outcome = ref.send(sent);
            if (model.length < capacity) {
              model.push(sent);
              expect(outcome).toBe("queued");
            } else if (overflow === "drop-oldest") {
              model.shift();
              model.push(sent);
              dropped += 1;
              expect(outcome).toBe("queued");
            } else if (overflow === "drop-newest") {
              dropped += 1;
              expect(outcome).toBe("dropped");
            } else {
              rejected += 1;
              expect(outcome).toBe("rejected");
            }
          }
          await host.settle();
          expect(seen).toEqual([...handled, ...model]);
          expect(system.deadLetters.counts).toEqual({ dead: 0, rejected, dropped, undeliverable: 0 });
          expect(sent).toBe(seen.length + system.deadLetters.total);
        },
      ),
    );
  });

  it("hands out by priority, equal ones in order of arrival, and drops the oldest whatever its rank", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 60 }),
        async (ranks, capacity) => {
          const { system, host } = manualSystem({ logDeadLetters: false });
          const seen: [number, number][] = [];
          const ref = system.spawn(
            actor({
              mailbox: { capacity, overflow: "drop-oldest", priority: ([rank]: [number, number]) => rank },
              receive: (_state, message: [number, number]) => void seen.push(message),
            }),
          );
          for (const [index, rank] of ranks.entries()) ref.send([rank, index]);
          await host.settle();
          const kept = ranks.map((rank, index): [number, number] => [rank, index]).slice(-capacity);
          expect(seen).toEqual(kept.sort(([a, i], [b, j]) => a - b || i - j));
        },
      ),
    );
  });

  it("lets senders wait for room in turn with the policy block", async () => {
    const { system, host } = manualSystem();
    const seen: number[] = [];
    const ref = system.spawn(recorder(seen, { capacity: 2, overflow: "block" }));
    const outcomes = [1, 2, 3, 4, 5].map((value) => ref.offer(value));
    expect(ref.send(6)).toBe("rejected");
    await host.settle();
    expect(await Promise.all(outcomes)).toEqual(Array.from({ length: 5 }, () => "queued"));
    expect(seen).toEqual([1, 2, 3, 4, 5]);
  });

  it("lets a waiting sender give up, and tells the others when the actor ends", async () => {
    const { system, host } = manualSystem({ logDeadLetters: false });
    const seen: number[] = [];
    const ref = system.spawn(recorder(seen, { capacity: 1, overflow: "block" }));
    const abort = new AbortController();
    ref.send(1);
    const givesUp = ref.offer(2, { signal: abort.signal });
    const waits = ref.offer(3);
    const caught = expect(givesUp).rejects.toThrow("enough");
    abort.abort(new Error("enough"));
    await caught;
    await expect(ref.offer(4, { signal: AbortSignal.abort(new Error("late")) })).rejects.toThrow("late");
    system.kill(ref);
    expect(await waits).toBe("dead");
    expect(await ref.offer(5)).toBe("dead");
    await host.settle();
    expect(seen).toEqual([]);
  });

  it("refuses more waiting senders than it is fair to keep", async () => {
    const { system } = manualSystem({ logDeadLetters: false });
    const ref = system.spawn(recorder([], { capacity: 1, overflow: "block" }));
    ref.send(0);
    const offers = Array.from({ length: 1025 }, (_, index) => ref.offer(index));
    expect(await offers.at(-1)).toBe("rejected");
    system.kill(ref);
    expect(await offers[0]).toBe("dead");
  });

  it("names the option that cannot be", () => {
    const receive = (): void => {};
    expect(() => actor({ receive, mailbox: { capacity: 0 } })).toThrow("capacity 0");
    expect(() => actor({ receive, mailbox: { capacity: 1.5 } })).toThrow("capacity 1.5");
    expect(() => actor({ receive, mailbox: { overflow: "explode" as "reject" } })).toThrow('overflow "explode"');
    expect(() => actor({ receive, mailbox: { capacity: "unbounded" } })).not.toThrow();
  });

  it("can be given at spawn, whatever the behaviour says", async () => {
    const { system, host } = manualSystem({ logDeadLetters: false });
    const seen: number[] = [];
    const behavior = recorder(seen, { capacity: 1 });
    const roomy = system.spawn(behavior, { mailbox: { capacity: 3, priority: (message: number) => -message } });
    expect([1, 2, 3, 4].map((value) => roomy.send(value))).toEqual(["queued", "queued", "queued", "rejected"]);
    await host.settle();
    expect(seen).toEqual([3, 2, 1]);
  });
});

describe("messages between two actors", () => {
  it("keep their order while many senders share a receiver, and none is lost", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 12 }), async (counts) => {
        const { system, host } = manualSystem();
        const seen = counts.map((): number[] => []);
        const receiver = system.spawn(
          actor({ receive: (_state, [from, value]: [number, number]) => void seen[from]?.push(value) }),
        );
        const sender = actor({
          onStart: (from: number) => ({ from, next: 0 }),
          receive(state, count: number, context) {
            receiver.send([state.from, state.next]);
            state.next += 1;
            if (state.next < count) context.self.send(count);
          },
        });
        for (const [from, count] of counts.entries()) system.spawn(sender, { args: from }).send(count);
        await host.settle();
        expect(seen).toEqual(counts.map((count) => Array.from({ length: count }, (_, index) => index)));
      }),
    );
  });
});

describe("a stash", () => {
  it("puts messages back in their order, before those that wait", async () => {
    const { system, host } = manualSystem();
    const probe = new Probe<string>(system);
    const ref = system.spawn(
      actor({
        onStart: () => ({ isOpen: false }),
        receive(state, message: string, context) {
          if (message === "open") {
            state.isOpen = true;
            expect(context.unstashAll()).toBe(3);
            expect(context.unstashAll()).toBe(0);
          } else if (state.isOpen) probe.ref.send(message);
          else context.stash(message);
        },
      }),
    );
    for (const message of ["a", "b", "c", "open", "d"]) ref.send(message);
    await host.settle();
    expect([await probe.expect(), await probe.expect(), await probe.expect(), await probe.expect()]).toEqual([
      "a",
      "b",
      "c",
      "d",
    ]);
  });

  it("is bounded like the mailbox, goes by priority, and ends as dead letters", async () => {
    const { system, host } = manualSystem({ logDeadLetters: false });
    const hoarder = actor({
      receive: (_state, message: number, context) =>
        message === 0 ? void context.unstashAll() : context.stash(message),
    });
    const ref: ActorRef<number> = system.spawn(hoarder, { mailbox: { capacity: 2 } });
    const ended = system.whenEnded(ref);
    ref.send(1);
    ref.send(2);
    await host.settle();
    ref.send(3);
    await host.settle();
    expect(await ended).toMatchObject({ kind: "error", error: { name: "StashError" } });
    expect(system.deadLetters.counts.dead).toBe(2);
    const seen: number[] = [];
    const ranked = system.spawn(
      actor({
        mailbox: { capacity: 10, priority: (message: number) => message },
        onStart: () => ({ isOpen: false }),
        receive(state, message: number, context) {
          if (message === 9) {
            state.isOpen = true;
            context.unstashAll();
          } else if (state.isOpen) seen.push(message);
          else context.stash(message);
        },
      }),
    );
    for (const message of [2, 1, 9]) ranked.send(message);
    await host.settle();
    expect(seen).toEqual([1, 2]);
    ranked.send(5);
    system.kill(ranked);
    expect(system.deadLetters.counts.dead).toBe(3);
  });
});
