import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ResolvedRun, WorkerDriver } from "@constellation/instances";
import { describe, expect, vi } from "vitest";
import { type Behaviour, driverConformance, type Harness, requestFor } from "../driver/conformance.ts";
import { asRoot } from "../launch/world.ts";
import { Playground } from "../process/playground.ts";

const spareTimeoutMs = 60_000;

/** With spares every start but those of a shape's first time is warm; without them all are cold. */
for (const spares of [2, 0])
  describe.skipIf(!asRoot)(spares === 0 ? "all cold" : "warm", () => {
    driverConformance(`worker with ${spares} spares`, () => open(spares));
  });

async function open(spares: number): Promise<Harness> {
  const playground = new Playground();
  const folder = mkdtempSync(join(playground.root, "scripts-"));
  const make = async (): Promise<WorkerDriver> => new WorkerDriver(await playground.open(), { spares });
  let driver = await make();
  let scripts = 0;
  const script = (text: string): ResolvedRun => {
    const file = join(folder, `${(scripts += 1)}.mjs`);
    writeFileSync(file, text, { mode: 0o644 });
    return { kind: "script", file, args: [] };
  };
  if (spares > 0)
    await vi.waitFor(() => expect(driver.waitsFor(requestFor(script("")))).toBe(true), { timeout: spareTimeoutMs });
  return {
    driver: () => driver,
    async reborn() {
      await driver.close();
      driver = await make();
      return driver;
    },
    env: {},
    run: (behaviour) => (behaviour.does === "not-start" ? missing(folder) : script(text(behaviour))),
    execArgv: (words, code) => ["sh", "-c", `echo "${words}"; exit ${code}`],
    settle: (promise) => promise,
    crash: null,
    async checkNothingLeft() {
      await driver.close();
      expect(await playground.leftovers()).toEqual([]);
    },
    close: () => playground.close(),
  };
}

/** A script that is not there cannot be bound into the instance. */
const missing = (folder: string): ResolvedRun => ({ kind: "script", file: join(folder, "missing.mjs"), args: [] });

function text(behaviour: Exclude<Behaviour, { does: "not-start" }>): string {
  switch (behaviour.does) {
    case "run-for-ever":
      return "setInterval(() => {}, 1e6);";
    case "exit":
      return `setTimeout(() => process.exit(${behaviour.code}), ${behaviour.afterMs});`;
    case "die":
      return `process.kill(process.pid, ${JSON.stringify(behaviour.signal)}); setInterval(() => {}, 1e6);`;
    case "ignore-sigterm":
      return 'process.on("SIGTERM", () => {}); console.log("ready"); setInterval(() => {}, 1e6);';
    case "exit-on-sigterm":
      return `process.on("SIGTERM", () => process.exit(${behaviour.code})); console.log("ready"); setInterval(() => {}, 1e6);`;
    case "print":
      return [
        ...behaviour.stderr.map((line) => `console.error(${JSON.stringify(line)});`),
        ...behaviour.stdout.map((line) => `console.log(${JSON.stringify(line)});`),
      ].join("\n");
    case "exhaust-memory":
      return "const all = []; for (;;) all.push(Buffer.alloc(5e6, 1));";
  }
}
