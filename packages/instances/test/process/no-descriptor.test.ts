import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { canTakeDescriptors, withoutDescriptor } from "../without-descriptor.ts";
import { Playground } from "./playground.ts";
import { end, shell } from "./runs.ts";

const { signal } = new AbortController();

test.skipIf(!canTakeDescriptors)(
  "a run of which nothing can be read, for want of a descriptor, does not count as one that never began",
  async () => {
    const playground = new Playground("launcher");
    const driver = await playground.open();
    const request = shell(playground, "sleep 1000000");
    const handle = await driver.start(request, { signal });
    // By then its end is watched, and what is made ahead has been made.
    await sleep(200);
    const outcome = await withoutDescriptor(() => driver.recover(request.runId));
    expect(outcome).toMatchObject({ status: "rejected", reason: { code: "EMFILE" } });
    const recovery = await driver.recover(request.runId);
    if (recovery.status !== "running") throw new Error(`it is ${recovery.status}`);
    recovery.handle.detach();
    await end(driver, handle);
    expect(await playground.leftovers()).toEqual([]);
    await playground.close();
  },
);
