import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { isRunning, until } from "./leftovers.ts";

it.each([
  ["workers", "plain", 3],
  ["workers that may fork, and what they have started,", "forks", 5],
])("%s end when their parent is killed, whether they wait or compute", async (_who, kind, count) => {
  const parent = spawn(process.execPath, [fileURLToPath(new URL("./fixtures/parent.js", import.meta.url)), kind], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const text = await new Promise<string>((resolve) => parent.stdout.once("data", (data) => resolve(String(data))));
  const pids = JSON.parse(text) as number[];
  expect(pids).toHaveLength(count);
  parent.kill("SIGKILL");
  try {
    await until(() => !pids.some(isRunning), `all of ${pids.join(", ")} gone`, 5000);
  } finally {
    for (const pid of pids.filter(isRunning)) process.kill(pid, "SIGKILL");
  }
});
