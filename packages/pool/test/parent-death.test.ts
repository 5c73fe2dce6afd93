import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { isRunning, until } from "./leftovers.ts";

it("workers end when their parent is killed, whether they wait or compute", async () => {
  const parent = spawn(process.execPath, [fileURLToPath(new URL("./fixtures/parent.js", import.meta.url))], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const text = await new Promise<string>((resolve) => parent.stdout.once("data", (data) => resolve(String(data))));
  const pids = JSON.parse(text) as number[];
  expect(pids).toHaveLength(3);
  parent.kill("SIGKILL");
  await until(() => pids.every((pid) => !isRunning(pid)), "all three workers gone", 5000);
});
