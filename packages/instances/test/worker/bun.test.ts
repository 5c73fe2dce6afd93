import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseApp } from "@constellation/contract";
import { type StartRequest, WorkerDriver } from "@constellation/instances";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { requestFor } from "../driver/conformance.ts";
import { Playground } from "../process/playground.ts";
import { refusal, runToEnd } from "../process/runs.ts";

/** The benchmarks install it; users and other tests need not. */
const bun = fileURLToPath(new URL("../../../../bench/node_modules/bun/", import.meta.url));

describe("runtime: bun", () => {
  const playground = new Playground();
  const folder = join(playground.root, "app");
  let driver: WorkerDriver;
  beforeAll(async () => {
    mkdirSync(folder, { mode: 0o755 });
    driver = new WorkerDriver(await playground.open());
  });
  afterAll(async () => {
    await driver.close();
    expect(await playground.leftovers()).toEqual([]);
    await playground.close();
  });
  const request = (script: string, env: Record<string, string> = {}): StartRequest => {
    const file = join(folder, "main.mjs");
    writeFileSync(file, script, { mode: 0o644 });
    const { resources, isolation } = parseApp({ name: "x", script: "main.mjs", runtime: "bun" });
    return requestFor({ kind: "script", file, args: ["a"], runtime: "bun" }, { resources, isolation, folder, env });
  };

  test("where there is no Bun the start says so, and how to get it", async () => {
    const error = await refusal(driver, request("", { PATH: "/nowhere" }));
    expect(error.code).toBe("instance.start-failed");
    expect(error.message).toContain('its runtime is "bun", which is neither in');
    expect(error.remedy).toContain("npm install bun");
  });

  test("a note in the program's place is no program", async () => {
    const bin = join(folder, "node_modules/bun/bin");
    mkdirSync(bin, { recursive: true, mode: 0o755 });
    writeFileSync(join(bin, "bun.exe"), "run the install script first", { mode: 0o755 });
    const error = await refusal(driver, request("", { PATH: "/nowhere" }));
    expect(error.message).toContain("neither in");
  });

  test.skipIf(!existsSync(bun))("runs a script on the Bun of its packages, cold", async () => {
    mkdirSync(join(folder, "node_modules/.real"), { mode: 0o755 });
    symlinkSync(join(bun, "bin/bun.exe"), join(folder, "node_modules/.real/bun"));
    const { lines, exit } = await runToEnd(
      driver,
      request("console.log(typeof Bun, process.argv[2], process.env.CONSTELLATION_APP); process.exit(3);", {
        PATH: join(folder, "node_modules/.real"),
      }),
    );
    expect(lines).toEqual(["object a suite"]);
    expect(exit).toMatchObject({ kind: "error", code: 3 });
  });
});
