import { expect, it } from "vitest";
import { actor, type Context } from "@constellation/actors";
import { fc } from "../fixtures/fast-check.ts";
import { closeManual, manualSystem } from "../fixtures/quiet-system.ts";

interface Letter {
  readonly rank: number;
  readonly number: number;
}

it("what is aside comes back before what waits, of each rank in its old order, also beyond the capacity", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      fc.array(fc.nat(2), { minLength: 1, maxLength: 8 }),
      fc.array(fc.nat(2), { maxLength: 7 }),
      async (ranked, aside, waiting) => {
        const { system, host } = manualSystem();
        const seen: Letter[] = [];
        let isOpen = false;
        const ref = system.spawn(
          actor({
            mailbox: { capacity: 8, ...(ranked ? { priority: (message: Letter) => message.rank } : {}) },
            receive(_state, message: Letter, context: Context<Letter>) {
              if (message.rank < 0) {
                isOpen = true;
                expect(context.unstashAll()).toBe(aside.length);
              } else if (isOpen) seen.push(message);
              else context.stash(message);
            },
          }),
        );
        const letters = (ranks: readonly number[], from: number): Letter[] =>
          ranks.map((rank, index) => ({ rank, number: from + index }));
        const before = letters(aside, 0);
        for (const letter of before) ref.send(letter);
        await host.settle();
        const old = ranked ? before.toSorted((a, b) => a.rank - b.rank) : before;
        ref.send({ rank: -1, number: -1 });
        const later = letters(waiting, 100);
        for (const letter of later) ref.send(letter);
        await host.settle();
        const wanted = [...old, ...later];
        expect(seen).toEqual(ranked ? wanted.toSorted((a, b) => a.rank - b.rank) : wanted);
        expect(system.deadLetters.total).toBe(0);
        await closeManual(system, host);
      },
    ),
  );
});

it("an actor that has nothing else to do handles what something of its own has put back", async () => {
  const { system, host } = manualSystem();
  const seen: string[] = [];
  let open = (): void => {};
  let isOpen = false;
  const ref = system.spawn(
    actor({
      onStart(_args: void, context: Context<string>) {
        open = () => {
          isOpen = true;
          context.unstashAll();
        };
      },
      receive(_state, message: string, context) {
        if (isOpen) seen.push(message);
        else context.stash(message);
      },
    }),
  );
  ref.send("early");
  await host.settle();
  open();
  await host.settle();
  expect(seen).toEqual(["early"]);
  await closeManual(system, host);
});
