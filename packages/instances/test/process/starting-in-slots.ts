import { setTimeout as sleep } from "node:timers/promises";
import type { Driver, ProcessDriver, StartRequest, StockBudget } from "@constellation/instances";

/** So many, and so soon, that one waits whenever somebody cares to wait for it. */
export const plentyOfSlots: StockBudget = { slots: 4, ofOneShape: 2, quietMs: 0, idleMs: 3_600_000 };

const patienceMs = 10_000;

/** The same driver, but each start that can be in a slot waits until there is one, and fails when it was not used. */
export function startingInSlots(driver: ProcessDriver): Driver {
  const start: Driver["start"] = async (request, options) => {
    const expected = !options.signal.aborted && (await slotFor(driver, request));
    const handle = await driver.start(request, options);
    if (expected && handle.facts.start !== "slot") throw new Error(`it started ${handle.facts.start} beside a slot`);
    return handle;
  };
  return new Proxy(driver, {
    get: (target, name) => {
      if (name === "start") return start;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

/** False when such a request cannot be started in a slot. */
async function slotFor(driver: ProcessDriver, request: StartRequest): Promise<boolean> {
  if (!driver.expect(request)) return false;
  for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += 5) {
    if (driver.hasSlotFor(request)) return true;
    await sleep(5);
  }
  throw new Error("no slot was made in time");
}
