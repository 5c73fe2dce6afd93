import { expect, it } from "vitest";
import { actor, ActorSystem, child, supervise, supervisor, type ExitReason } from "@constellation/actors";
import { ManualHost } from "@constellation/actors/testkit";
import { closeManual } from "../fixtures/quiet-system.ts";

const fails = (): never => {
  throw new Error("a listener that is wrong itself");
};

const worker = actor({
  kind: "worker",
  receive: (_state, message: string) => {
    if (message === "crash") throw new Error("told to crash");
  },
});

it("what listeners throw is logged, and nobody else is kept from hearing", async () => {
  const host = new ManualHost();
  const hooks = { onSpawn: fails, onExit: fails, onMessage: fails, onReport: fails };
  const system = new ActorSystem({ host, hooks, onSpan: fails });
  system.groups.subscribe(fails);
  system.deadLetters.subscribe(fails);
  const letters: unknown[] = [];
  system.deadLetters.subscribe(({ message }) => letters.push(message));
  const starting = supervise(system, supervisor({ children: [child({ id: "w", name: "w", start: worker })] }));
  await host.settle();
  await starting;
  const first = system.registry.whereIs<string>("w");
  if (first === undefined) throw new Error("the worker did not start");
  const heard: ExitReason["kind"][] = [];
  system.watch(first, fails);
  system.watch(first, ({ kind }) => heard.push(kind));
  system.groups.join("g", first);
  for (const message of ["crash", "too late"]) first.send(message);
  await host.settle();
  expect({ heard, letters }).toEqual({ heard: ["error"], letters: ["too late"] });
  const second = system.registry.whereIs<string>("w");
  expect(second).not.toBe(first);
  expect(second?.send("go on")).toBe("queued");
  await host.settle();
  const failures = host.lines.filter(({ text }) => text.startsWith("a listener"));
  expect(failures.length).toBeGreaterThan(9);
  await closeManual(system, host);
});
