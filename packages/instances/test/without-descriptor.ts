import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync } from "node:fs";

/** Whether {@link withoutDescriptor} can be used here. */
export const canTakeDescriptors = existsSync("/usr/bin/prlimit");

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
export async function withoutDescriptor<T>(act: () => Promise<T>): Promise<PromiseSettledResult<T> | undefined> {
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
