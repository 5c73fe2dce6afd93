import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
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

  test("is not kept by us when somebody has read it", async () => {
    const driver = await playground.open();
    const handle = await driver.start(shell(playground, "echo up; sleep 1000"), { signal });
    await line(handle, /up/);
    const argv = ["sh", "-c", "head -c 100000000 /dev/zero; exec sleep 1000"];
    const session = await handle.exec({ argv, tty: false, columns: 80, rows: 24 }, { signal });
    const before = kept();
    let bytes = 0;
    for await (const output of session.output) {
      bytes += output.bytes.length;
      if (bytes === 100_000_000) break;
    }
    // V8 frees such memory in a thread of its own.
    await vi.waitFor(() => expect(kept() - before).toBeLessThan(10_000_000), { timeout: 5000 });
    await session.close();
    await end(driver, handle);
  });
});

/** Bytes of buffers that somebody still has. */
function kept(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().arrayBuffers;
}
