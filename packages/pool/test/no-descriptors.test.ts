import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const program = fileURLToPath(new URL("./fixtures/no-descriptors.js", import.meta.url));

it.each([1, 2, 3, 5, 7, 9])("a pool of processes begins once there are more than %i free descriptors", async (free) => {
  const start = `ulimit -n 200; exec "$0" "$1" ${free}`;
  const { stdout, stderr } = await promisify(execFile)("/bin/sh", ["-c", start, process.execPath, program], {
    timeout: 20_000,
    killSignal: "SIGKILL",
  });
  expect([stdout, stderr]).toEqual(["done\n", ""]);
});
