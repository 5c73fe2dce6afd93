import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { limitsHere } from "../../packages/instances/test/limits-here.ts";
import { freePort } from "../packed/installed.ts";

const root = resolve(import.meta.dirname, "../..");
const program = join(root, "packages/cli/dist/constellation.js");

/** A copy of an example with a port of its own, and a daemon of its own. */
function copyOf(example: string) {
  const folder = mkdtempSync(join(tmpdir(), "cex-"));
  // Instances are users of their own: they must be able to read their app's folder.
  chmodSync(folder, 0o755);
  cpSync(join(root, "examples", example), folder, { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const env = { ...process.env, CONSTELLATION_HOME: join(folder, "h") };
  const constellation = (...argv: string[]): string =>
    execFileSync(process.execPath, [program, ...argv], { cwd: folder, env, encoding: "utf8" });
  onTestFinished(() => {
    constellation("down", "--all");
    constellation("daemon", "stop", "--instances");
    rmSync(folder, { recursive: true, force: true });
  });
  return { folder, constellation };
}

test.for([
  ["web", 3, /^Hello from web-\d/],
  ["express", 2, /^Hello from Express on express-\d/],
] as const)(
  "%s comes up with all its instances and answers",
  { timeout: 90_000 },
  async ([example, instances, answer], { skip }) => {
    skip(example === "express" && !limitsHere, "its limits need a control group");
    const { folder, constellation } = copyOf(example);
    const port = await freePort();
    const spec = join(folder, "deploy.ts");
    writeFileSync(spec, readFileSync(spec, "utf8").replace(/port: \d+/, `port: ${port}`));
    expect(constellation("up")).toContain(`http://127.0.0.1:${port}`);
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toMatch(answer);
    const { apps } = JSON.parse(constellation("ps", "--json")) as { apps: unknown[] };
    expect(apps).toMatchObject([{ ready: instances, status: "healthy" }]);
  },
);

test("hello says hello", async () => {
  const { constellation } = copyOf("hello");
  constellation("create", "--name=hello", "--script=hello.ts", "--env", "WHOM=you");
  await expect.poll(() => constellation("logs", "hello"), { timeout: 20_000 }).toContain("Hello you, for the 2. time");
}, 60_000);
