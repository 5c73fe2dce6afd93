import { describe, expect, it } from "vitest";
import { actor } from "@constellation/actors";
import { fc } from "../fixtures/fast-check.ts";
import { closeManual, manualSystem } from "../fixtures/quiet-system.ts";

const capacity = 2;

/** An actor that handles the next message when it is let. */
function held() {
  const { system, host } = manualSystem({ logDeadLetters: false });
  const seen: number[] = [];
  let release = (): void => {};
  const ref = system.spawn(
    actor({
      mailbox: { capacity, overflow: "block" },
      receive(_state, message: number) {
        seen.push(message);
        return new Promise<void>((resolve) => (release = resolve));
      },
    }),
  );
  const handleNext = async (): Promise<void> => {
    release();
    await host.settle();
  };
  return { system, host, seen, ref, handleNext };
}

describe("senders that wait for room", () => {
  it("take no place of others when they have given up, and their messages are no dead letters", async () => {
    const { system, host, ref } = held();
    for (let filling = 0; filling <= capacity; filling += 1) {
      ref.send(filling);
      await host.settle();
    }
    for (let attempt = 0; attempt < 2000; attempt += 1) {
      const patience = new AbortController();
      const offered = ref.offer(attempt, { signal: patience.signal });
      patience.abort(new Error("enough"));
      await expect(offered).rejects.toThrow("enough");
    }
    const last = ref.offer(1);
    system.kill(ref);
    expect(await last).toBe("dead");
    expect(system.deadLetters.counts).toMatchObject({ dead: capacity + 1, rejected: 0 });
    await closeManual(system, host);
  });

  it("come in in their order, whoever gives up between them", async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("offer" as const) }),
      fc.record({ kind: fc.constant("give up" as const), which: fc.nat(20) }),
      fc.record({ kind: fc.constant("handle" as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { system, host, seen, ref, handleNext } = held();
        const outcomes: string[] = [];
        const patience: AbortController[] = [];
        for (const { kind, ...rest } of steps) {
          if (kind === "handle") await handleNext();
          else if (kind === "offer") {
            const controller = new AbortController();
            const number = patience.push(controller) - 1;
            ref.offer(number, { signal: controller.signal }).then(
              (outcome) => (outcomes[number] = outcome),
              () => (outcomes[number] = "given up"),
            );
          } else patience.at("which" in rest ? rest.which : 0)?.abort();
          await host.settle();
        }
        while (seen.length < outcomes.length && outcomes.filter((outcome) => outcome === "queued").length > seen.length)
          await handleNext();
        const wanted = patience.flatMap((_, number) => (outcomes[number] === "given up" ? [] : [number]));
        expect(outcomes.filter((outcome) => outcome === "queued")).toHaveLength(wanted.length);
        expect(seen).toEqual(wanted);
        system.kill(ref);
        await closeManual(system, host);
      }),
      { numRuns: 30 },
    );
  });

  it("are told when the actor cannot rank their message; nobody else is held up by that", async () => {
    const { system, host } = manualSystem({ logDeadLetters: false });
    let release = (): void => {};
    const seen: number[] = [];
    const picky = system.spawn(
      actor({
        mailbox: {
          capacity: 1,
          overflow: "block",
          priority(message: number) {
            if (message === 13) throw new RangeError("13 has no rank");
            return message;
          },
        },
        receive(_state, message: number) {
          seen.push(message);
          return message === 1 ? new Promise<void>((resolve) => (release = resolve)) : undefined;
        },
      }),
    );
    const other = system.spawn(actor({ receive: (_state, message: number) => void seen.push(message) }));
    picky.send(1);
    await host.settle();
    picky.send(2);
    const refused = expect(picky.offer(13)).rejects.toThrow("13 has no rank");
    const taken = picky.offer(3);
    release();
    await host.settle();
    other.send(4);
    await host.settle();
    await refused;
    expect(await taken).toBe("queued");
    expect(seen).toEqual([1, 2, 3, 4]);
    await closeManual(system, host);
  });
});
