import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { asRoot } from "../launch/world.ts";
import { Playground } from "./playground.ts";
import { end, line, shell } from "./runs.ts";

const { signal } = new AbortController();

describe.skipIf(!asRoot)("a command inside an instance whose output nobody reads", () => {
  let playground: Playground;
  beforeEach(() => void (playground = new Playground("launcher")));
  afterEach(async () => {
    expect(await playground.leftovers()).toEqual([]);
    await playground.close();
  });

  test("keeps the instance from nothing, least of all from ending", async () => {
    const driver = await playground.open();
    const handle = await driver.start(shell(playground, "echo up; sleep 1000"), { signal });
    await line(handle, /up/);
    const session = await handle.exec({ argv: ["yes"], tty: false, columns: 80, rows: 24 }, { signal });
    // Until every buffer in between is full.
    await sleep(300);
    expect(await end(driver, handle)).toMatchObject({ kind: "killed" });
    await session.close();
  });
});
