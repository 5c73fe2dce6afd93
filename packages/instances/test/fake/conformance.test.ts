import { FakeDriver, FakeWorld, ManualClock, type ResolvedRun } from "@constellation/instances";
import { expect } from "vitest";
import { type Behaviour, driverConformance, type Harness } from "../driver/conformance.ts";

driverConformance("fake", () => {
  const clock = new ManualClock();
  const world = new FakeWorld(clock);
  let driver = new FakeDriver(world);
  const harness: Harness = {
    driver: () => driver,
    reborn() {
      driver = new FakeDriver(world);
      return Promise.resolve(driver);
    },
    env: {},
    run: (behaviour): ResolvedRun => ({ kind: "command", argv: script(behaviour) }),
    execArgv: (text, code) => [`log ${text}`, `exit ${code}`],
    async settle(promise) {
      let over = false;
      const mark = (): void => void (over = true);
      promise.then(mark, mark);
      for (let round = 0; round < 100; round += 1) {
        await clock.advance(0);
        if (over) break;
        await clock.advance(100);
      }
      return await promise;
    },
    crash: (point) => world.crashNextStart(point),
    checkNothingLeft() {
      expect([...world.runs.keys()]).toEqual([]);
      expect([...world.intents.keys()]).toEqual([]);
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  };
  return Promise.resolve(harness);
});

function script(behaviour: Behaviour): string[] {
  switch (behaviour.does) {
    case "run-for-ever":
      return ["run"];
    case "exit":
      return [`run ${behaviour.afterMs}ms`, `exit ${behaviour.code}`];
    case "die":
      return [`die ${behaviour.signal}`];
    case "ignore-sigterm":
      return ["ignore SIGTERM", "log ready", "run"];
    case "exit-on-sigterm":
      return [`on SIGTERM exit ${behaviour.code} after 10ms`, "log ready", "run"];
    case "print":
      return [...behaviour.stderr.map((text) => `err ${text}`), ...behaviour.stdout.map((text) => `log ${text}`)];
    case "exhaust-memory":
      return ["run 10ms", "oom"];
    case "not-start":
      return ["fail ENOENT"];
  }
}
