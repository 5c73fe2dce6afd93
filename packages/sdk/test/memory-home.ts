import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { onTestFinished } from "vitest";
import { places } from "@constellation/contract";
import { Constellation } from "../src/index.ts";

const source = fileURLToPath(new URL("../../daemon/test/fixtures/memory-daemon.ts", import.meta.url));
const program = fileURLToPath(new URL("../node_modules/.cache/memory-daemon.mjs", import.meta.url));
const require = `import { createRequire } from "node:module"; const require = createRequire(import.meta.url);`;
let built: Promise<unknown> | null = null;

/** The program of a daemon whose platform is in memory, built once. */
export async function memoryDaemon(): Promise<string> {
  mkdirSync(join(program, ".."), { recursive: true });
  built ??= build({
    entryPoints: [source],
    outfile: program,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    conditions: ["constellation-source"],
    banner: { js: require },
  });
  await built;
  return program;
}

/** A folder of its own, removed when the test ends. */
export function temporaryFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "constellation-sdk-")));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A place for a daemon in memory; whatever runs there is stopped when the test ends. */
export async function memoryHome(): Promise<string> {
  process.env["CONSTELLATION_DAEMON"] = await memoryDaemon();
  const home = temporaryFolder();
  onTestFinished(async () => {
    const client = await new Constellation().init({ home, start: false });
    await client.stopDaemon().catch(() => undefined);
    await gone(places({ CONSTELLATION_HOME: home }, 0).socketPath);
  });
  return home;
}

async function gone(socketPath: string): Promise<void> {
  const { existsSync } = await import("node:fs");
  for (let tries = 0; existsSync(socketPath) && tries < 100; tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 20));
}

/** A client of a fresh daemon in memory. */
export async function memoryClient(): Promise<Constellation> {
  return new Constellation().init({ home: await memoryHome() });
}
