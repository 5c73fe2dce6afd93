import type { Driver, IsolationLane, ProcessDriver, ResolvedRun, StockBudget } from "@constellation/instances";
import { expect } from "vitest";
import { type Behaviour, driverConformance, type Harness } from "../driver/conformance.ts";
import { limitsHere } from "../limits-here.ts";
import { Playground } from "./playground.ts";
import { plentyOfSlots, startingInSlots } from "./starting-in-slots.ts";

for (const isolateBy of ["launcher", "bubblewrap", "unshare", "none"] as const)
  driverConformance(`process, isolated by ${isolateBy}`, () => open(isolateBy), { limits: limitsHere });
if (process.getuid?.() === 0) driverConformance("process, started in slots", () => open("launcher", plentyOfSlots));

async function open(isolateBy: IsolationLane, slots?: StockBudget): Promise<Harness> {
  const playground = new Playground(isolateBy, slots);
  const opened = async (): Promise<Driver & Pick<ProcessDriver, "close">> =>
    slots === undefined ? await playground.open() : startingInSlots(await playground.open());
  let driver = await opened();
  const harness: Harness = {
    driver: () => driver,
    async reborn() {
      // Closed only because two spawners would wait for one lock; handles of the old one stay as a dead daemon left them.
      await driver.close();
      driver = await opened();
      return driver;
    },
    env: playground.env,
    run: (behaviour): ResolvedRun => ({ kind: "command", argv: command(behaviour) }),
    execArgv: (text, code) => ["sh", "-c", `echo "${text}"; exit ${code}`],
    settle: (promise) => promise,
    crash: null,
    async checkNothingLeft() {
      expect(await playground.leftovers()).toEqual([]);
    },
    close: () => playground.close(),
  };
  return harness;
}

function command(behaviour: Behaviour): string[] {
  switch (behaviour.does) {
    case "run-for-ever":
      return ["sleep", "1000000"];
    case "exit":
      return ["sh", "-c", `sleep ${behaviour.afterMs / 1000}; exit ${behaviour.code}`];
    case "die":
      return ["sh", "-c", `kill -${behaviour.signal.slice(3)} $$`];
    case "ignore-sigterm":
      return ["sh", "-c", 'trap "" TERM; echo ready; while :; do sleep 1; done'];
    case "exit-on-sigterm":
      return ["sh", "-c", `trap "exit ${behaviour.code}" TERM; echo ready; while :; do sleep 0.02; done`];
    case "print":
      return [
        "sh",
        "-c",
        `${behaviour.stderr.map((text) => `echo "${text}" >&2`).join("; ")}; ${behaviour.stdout.map((text) => `echo "${text}"`).join("; ")}`,
      ];
    case "exhaust-memory":
      return ["tail", "/dev/zero"];
    case "not-start":
      return ["/no/such/program"];
  }
}
