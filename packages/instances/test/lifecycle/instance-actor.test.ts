import { ActorSystem, child, supervise, supervisor } from "@constellation/actors";
import { type Exit, parseApp } from "@constellation/contract";
import {
  FakeDriver,
  FakeWorld,
  instanceActor,
  type InstanceArgs,
  type InstanceObserver,
  type InstanceSlot,
  ManualClock,
} from "@constellation/instances";
import { expect, test } from "vitest";
import { requestFor } from "../driver/conformance.ts";

function setting(observer: Partial<InstanceObserver> = {}) {
  const clock = new ManualClock();
  const world = new FakeWorld(clock);
  const slot: InstanceSlot = { instance: null };
  const ends: Exit[] = [];
  const args: InstanceArgs = {
    slot,
    begin: [{ type: "start" }],
    options: {
      driver: new FakeDriver(world),
      spec: parseApp({ name: "web", command: ["x"] }),
      clock,
      request: ({ runId, restarts }) =>
        Promise.resolve(requestFor({ kind: "command", argv: ["run"] }, { app: "web", index: 1, runId, restarts })),
      observer: {
        changed: () => {},
        started: () => {},
        ended: (_runId, exit) => Promise.resolve(void ends.push(exit)),
        probed: () => {},
        trouble: () => {},
        ...observer,
      },
    },
  };
  return { clock, world, slot, ends, args };
}

test("an instance lives under a supervisor; ending the system leaves its run alone", async () => {
  const { clock, world, slot, args, ends } = setting();
  const system = new ActorSystem({ logDeadLetters: false });
  const instance = system.spawn(instanceActor, { args });
  await clock.advance(10);
  expect(slot.instance?.state.status).toBe("running");
  await system.shutdown();
  expect([...world.runs.values()].map(({ exit }) => exit)).toEqual([null]);
  expect(ends).toEqual([]);
  expect(instance.send({ type: "stop" })).toBe("dead");
});

test("a fault in the actor does not touch the run: the replacement takes it over", async () => {
  let faults = 1;
  const { clock, world, slot, args, ends } = setting({
    probed: () => {},
    changed: (state) => {
      if (state.status === "running" && faults > 0) {
        faults -= 1;
        throw new Error("a bug of ours");
      }
    },
  });
  const system = new ActorSystem({ logDeadLetters: false });
  await supervise(system, supervisor({ children: [child({ id: "web.1", start: instanceActor, args })] }));
  for (let round = 0; round < 20; round += 1) await clock.advance(10);
  expect(faults).toBe(0);
  expect(slot.instance?.state.status).toBe("running");
  expect(world.launched).toHaveLength(1);
  expect(ends).toEqual([]);
  await system.shutdown();
});
