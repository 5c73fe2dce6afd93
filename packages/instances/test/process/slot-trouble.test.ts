import { mkdirSync, readdirSync, renameSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Feature } from "@constellation/contract";
import type { ProcessDriver } from "@constellation/instances";
import { expect, test } from "vitest";
import { Playground } from "./playground.ts";
import { shell } from "./runs.ts";
import { plentyOfSlots } from "./starting-in-slots.ts";

const slots = async (driver: ProcessDriver): Promise<Feature | undefined> =>
  (await driver.probe()).find(({ name }) => name === "driver.slots");

async function eventually(driver: ProcessDriver, is: (feature: Feature) => boolean): Promise<Feature> {
  for (let wait = 0; wait < 500; wait += 1) {
    const feature = await slots(driver);
    if (feature !== undefined && is(feature)) return feature;
    await sleep(10);
  }
  throw new Error(`never came about; at last: ${JSON.stringify(await slots(driver))}`);
}

test.skipIf(process.getuid?.() !== 0)(
  "slots that cannot be looked at, as without a free descriptor, trouble nobody but themselves",
  async () => {
    const playground = new Playground("launcher", plentyOfSlots);
    const driver = await playground.open();
    await eventually(driver, ({ detail }) => /^[1-9]/.test(detail));
    await sleep(100);
    const spares = join(playground.runtime, "spares");
    const controls = readdirSync(spares).map((id) => join(spares, id, "control"));
    // Opening a folder for writing fails as any other lack of the machine does: neither "gone" nor "there".
    for (const control of controls) {
      renameSync(control, `${control}.away`);
      mkdirSync(control);
    }
    driver.expect(shell(playground, "true"));
    expect(await eventually(driver, ({ state }) => state === "partial")).toMatchObject({
      remedy: expect.stringContaining("EISDIR") as string,
    });
    for (const control of controls) {
      rmdirSync(control);
      renameSync(`${control}.away`, control);
    }
    await driver.close();
    expect(await playground.leftovers()).toEqual([]);
    await playground.close();
  },
);
