import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Playground } from "./playground.ts";
import { end, shell } from "./runs.ts";

const { signal } = new AbortController();

/** Whether another file can be opened. */
function isFree(): boolean {
  try {
    closeSync(openSync("/dev/null", "r"));
    return true;
  } catch {
    return false;
  }
}

/** Calls `act` while this process can open no file. */
async function withoutDescriptor<T>(act: () => Promise<T>): Promise<PromiseSettledResult<T> | undefined> {
  // A place that is free below the limit would be taken: there is none below the first that is.
  const limit = openSync("/dev/null", "r");
  const words = `prlimit --pid ${process.pid} --nofile=${limit}: && sleep 0.5; prlimit --pid ${process.pid} --nofile=1024:`;
  const child = spawn("sh", ["-c", words], { stdio: "ignore" });
  const over = once(child, "exit");
  closeSync(limit);
  const until = Date.now() + 5000;
  while (isFree() && Date.now() < until) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
  const called = act();
  const [outcome] = await Promise.allSettled([called]);
  await over;
  return outcome;
}

test.skipIf(!existsSync("/usr/bin/prlimit"))(
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
