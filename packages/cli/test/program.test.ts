import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";

const program = fileURLToPath(new URL("../dist/constellation.js", import.meta.url));

/** Runs the built command in a folder of its own, and says what it left in the system's folder of temporary files. */
function command(
  argv: readonly string[],
  stdout: "pipe" | number = "pipe",
  files: Readonly<Record<string, string>> = {},
  more: Readonly<Record<string, string>> = {},
) {
  const folder = mkdtempSync(join(tmpdir(), "cst-cli-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
  const temporary = join(folder, "tmp");
  mkdirSync(temporary);
  const {
    status,
    stdout: written,
    stderr,
  } = spawnSync(process.execPath, [program, ...argv], {
    cwd: folder,
    env: { PATH: process.env["PATH"], CONSTELLATION_HOME: folder, TMPDIR: temporary, ...more },
    stdio: ["ignore", stdout, "pipe"],
    encoding: "utf8",
    timeout: 20_000,
  });
  // Node 22 and newer keep what they compiled there for the next command.
  const left = readdirSync(temporary).filter((name) => name !== "node-compile-cache");
  return { status, stdout: written, stderr, left };
}

test("what cannot be written is said in words, with an exit code of the table", () => {
  const full = openSync("/dev/full", "w");
  const { status, stderr } = command(["version"], full);
  closeSync(full);
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: "Error: What was to be told could not be written: ENOSPC: no space left on device, write\n",
  });
});

test("a spec that waits for ever is refused in words, and leaves nothing", () => {
  const { status, stderr, left } = command(["up"], "pipe", {
    "deploy.mjs": "export default () => new Promise(() => {});",
  });
  expect(status).toBe(2);
  expect(stderr).toContain("waits for something that never comes");
  expect(left).toEqual([]);
});

test("a spec that ends the process is refused in words, and leaves nothing", () => {
  for (const [text, code] of [
    ["process.exit(0);", 0],
    ["export default () => process.exit(5);", 5],
  ] as const) {
    const { status, stderr, left } = command(["plan"], "pipe", { "deploy.mjs": text });
    expect(status).toBe(2);
    expect(stderr).toContain(`ended the process with code ${code}`);
    expect(left).toEqual([]);
  }
});

test("what a spec leaves open does not keep the command", () => {
  const text = `setInterval(() => {}, 1000); export default [];`;
  expect(command(["plan"], "pipe", { "deploy.mjs": text }).status).toBe(2);
});

test("what a spec writes to standard output goes to standard error, also of one that throws", () => {
  const says = `console.log("noise"); process.stdout.write("more noise\\n");`;
  for (const end of [`export default [];`, `throw new Error("no");`]) {
    const { stdout, stderr } = command(["plan", "--json"], "pipe", { "deploy.mjs": `${says} ${end}` });
    expect(stderr).toMatch(/^noise\nmore noise\n{"error":/);
    expect(stdout).toBe("");
  }
});

test("a folder of temporary files that is none is named", () => {
  // A file: a folder that is missing would be made for the compiled code.
  const { status, stderr } = command(["plan"], "pipe", { "deploy.mjs": "export default [];" }, { TMPDIR: program });
  expect(status).toBe(2);
  expect(stderr).toContain(`Cannot evaluate the spec deploy.mjs in ${program}`);
  expect(stderr).toContain("Set TMPDIR");
});

test("Ctrl-C while a spec is built or evaluated ends the command, and is no fault of the spec", async () => {
  const folder = mkdtempSync(join(tmpdir(), "cst-cli-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const names = Array.from({ length: 400 }, (_, index) => `part${index}.mjs`);
  for (const name of names) writeFileSync(join(folder, name), `export const value = ${JSON.stringify(name)};`);
  const imports = names.map((name, index) => `import { value as v${index} } from "./${name}";`);
  // Its evaluation outlasts each of the moments below: no daemon is ever asked for.
  const wait = "await new Promise((done) => setTimeout(done, 60_000));";
  const spec = `${imports.join("\n")} ${wait} export default [{ name: "x", command: [v0] }];`;
  writeFileSync(join(folder, "deploy.mjs"), spec);
  for (const afterMs of [60, 100, 140, 180, 220, 1000]) {
    // A terminal tells all processes of the foreground, the compiler too.
    const child = spawn(process.execPath, [program, "plan"], {
      cwd: folder,
      env: { PATH: process.env["PATH"], CONSTELLATION_HOME: folder },
      stdio: ["ignore", "ignore", "pipe"],
      detached: true,
    });
    let said = "";
    child.stderr.on("data", (text: Buffer) => (said += text.toString()));
    const closed = once(child, "close");
    await sleep(afterMs);
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGINT");
    const [code, signal] = (await closed) as [number | null, string | null];
    expect([code ?? signal, said]).toEqual([
      expect.toBeOneOf([130, "SIGINT"]),
      expect.not.stringContaining("Correct the source"),
    ]);
  }
  expect(existsSync(join(folder, "daemon.log"))).toBe(false);
});

test("up --watch that is interrupted while it reads the spec ends", async () => {
  const folder = mkdtempSync(join(tmpdir(), "cst-cli-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(
    join(folder, "deploy.mjs"),
    "console.log('reading'); await new Promise((done) => setTimeout(done, 500)); export default [{ name: 'x', command: ['x'] }];",
  );
  const child = spawn(process.execPath, [program, "up", "--watch"], {
    cwd: folder,
    env: { PATH: process.env["PATH"], CONSTELLATION_HOME: folder },
    stdio: ["ignore", "ignore", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child.stderr, "data");
  child.kill("SIGINT");
  expect(await once(child, "exit")).toEqual([130, null]);
  // And no daemon was started for it.
  expect(existsSync(join(folder, "daemon.log"))).toBe(false);
});
