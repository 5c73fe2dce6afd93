import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const program = fileURLToPath(new URL("fixtures/no-descriptors.mjs", import.meta.url));

test("who has no descriptor left cannot start the launcher, and lives to do it later", () => {
  const text = execFileSync("/bin/sh", ["-c", 'ulimit -n 512; exec "$0" "$1"', process.execPath, program], {
    encoding: "utf8",
  });
  expect(JSON.parse(text)).toEqual(["LAUNCHER_GONE", "LAUNCHER_GONE"]);
});
