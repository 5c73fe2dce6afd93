import { expect, it } from "vitest";
import { actor, connect, loopback, type ActorRef, type ReplyTo } from "@constellation/actors";
import { manualSystem } from "../fixtures/quiet-system.ts";

type Order = { readonly replyTo: ReplyTo<number> } | "throw";

/** An actor of another system, and who speaks to it. */
async function farActor() {
  const { system: here, host } = manualSystem();
  const { system: there } = manualSystem({ host });
  const line = loopback(host);
  const connection = connect(here, line.here);
  connect(there, line.there);
  const far = actor({
    receive(_state, message: Order) {
      // oxlint-disable-next-line typescript/only-throw-error -- JavaScript lets anything be thrown
      if (message === "throw") throw Object.create(null);
    },
  });
  there.spawn(far, { name: "far" });
  const found = connection.whereIs<Order>("far");
  await host.settle();
  const ref = (await found) as ActorRef<Order>;
  return { here, there, host, connection, ref };
}

it("an actor that throws what has no text ends alone, and who watches from elsewhere hears of it", async () => {
  const { here, there, host, ref } = await farActor();
  const reason = here.whenEnded(ref);
  const seen: string[] = [];
  const other = there.spawn(actor({ receive: (_state, message: string) => void seen.push(message) }));
  ref.send("throw");
  await host.settle();
  other.send("still here");
  await host.settle();
  expect(seen).toEqual(["still here"]);
  expect(await reason).toMatchObject({ kind: "error", error: { message: "something that cannot be shown" } });
});

it("an ask of somebody elsewhere ends in its time, also when the system that asks ends first", async () => {
  const { here, host, connection, ref } = await farActor();
  const answer = expect(ref.ask<number>((replyTo) => ({ replyTo }), { timeoutMs: 1000 })).rejects.toThrow("no reply");
  await host.settle();
  const ended = here.shutdown();
  await host.settle();
  await ended;
  await host.advance(1000);
  await answer;
  expect(here.alarms.size).toBe(0);
  expect(host.pendingTimers).toBe(0);
  connection.close();
});
