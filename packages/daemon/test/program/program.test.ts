import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { cpuLatencyLimitUs, openCgroupBase, removeCgroupBase } from "@constellation/host";
import { afterEach, beforeEach, expect, test } from "vitest";
import { eventually } from "../daemon/harness.ts";

const program = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

let home: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  // Short, for its sockets, also where folders of temporary files have longer names (libpam-tmpdir).
  home = mkdtempSync(join(tmpdir(), "cp-"));
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  // A daemon that is killed leaves the control group that its instances would lie below.
  const base = openCgroupBase({ name: `constellation-${createHash("sha256").update(home).digest("hex").slice(0, 8)}` });
  if (base.kind === "ready") removeCgroupBase(base.base);
  rmSync(home, { recursive: true, force: true });
});

interface Run {
  readonly child: ChildProcess;
  readonly said: () => string;
  readonly code: Promise<number | null>;
}

function run(
  at = home,
  log: "pipe" | number = "pipe",
  flags: readonly string[] = [],
  settings: Readonly<Record<string, string>> = {},
): Run {
  const child = spawn(process.execPath, [...flags, program], {
    env: { PATH: process.env["PATH"], CONSTELLATION_HOME: at, CONSTELLATION_WARM: "0", ...settings },
    stdio: ["ignore", "pipe", log],
  });
  children.push(child);
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const code = once(child, "exit").then(([status]) => status as number | null);
  return { child, said: () => said, code };
}

const version = (): Promise<{ pid: number } | null> =>
  new Promise((resolve) => {
    const call = get({ socketPath: join(home, "run", "daemon.sock"), path: "/v1/version" }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => resolve(JSON.parse(text) as { pid: number }));
    });
    call.on("error", () => resolve(null));
  });

const serving = () => eventually(version, (answer) => answer !== null, 20_000);

test("a second daemon says which process holds the state, and the first one serves on", async () => {
  const first = run();
  await serving();
  const second = run();
  expect(await second.code).toBe(4);
  expect(second.said()).toContain(`process ${first.child.pid} holds ${join(home, "state.db")} already`);
  expect(await version()).toMatchObject({ pid: first.child.pid });
});

test("of several started at once one serves", async () => {
  const runs = [run(), run(), run()];
  await serving();
  const serves = (await version())?.pid;
  const others = runs.filter(({ child }) => child.pid !== serves);
  expect(others).toHaveLength(2);
  expect(await Promise.all(others.map(({ code }) => code))).toEqual([4, 4]);
});

test.each(["SIGTERM", "SIGINT"] as const)("%s ends it in order", async (signal) => {
  const { child, code } = run();
  await serving();
  child.kill(signal);
  expect(await code).toBe(0);
  expect(existsSync(join(home, "state.db.owner"))).toBe(false);
});

test("after kill -9 the next one starts", async () => {
  const { child, code } = run();
  await serving();
  child.kill("SIGKILL");
  await code;
  const next = run();
  await eventually(version, (answer) => answer?.pid === next.child.pid, 20_000);
});

test.runIf(process.getuid?.() === 0)("processors wake up in time while it lives, or its log says why not", async () => {
  const { child, code, said } = run(home, "pipe", [], { CONSTELLATION_CPU_LATENCY: "54321" });
  await serving();
  const limit = readLimit();
  if (said().includes("CONSTELLATION_CPU_LATENCY=54321 changes nothing: ")) return expect(limit).not.toBe(54_321);
  expect(limit).toBeLessThanOrEqual(54_321);
  child.kill("SIGKILL");
  await code;
  expect(readLimit()).not.toBe(54_321);
});

/** Null: nobody asked, or this machine has no such thing. */
function readLimit(): number | null {
  try {
    return cpuLatencyLimitUs();
  } catch (error) {
    expect(error).toMatchObject({ code: "platform-unsupported" });
    return null;
  }
}

test("a setting that nobody could mean is refused in words", async () => {
  const { said, code } = run(home, "pipe", [], { CONSTELLATION_CPU_LATENCY: "low" });
  expect(await code).toBe(2);
  expect(said()).toContain("CONSTELLATION_CPU_LATENCY");
});

test("nobody else can read what it keeps", async () => {
  run();
  await serving();
  for (const file of ["state.db", "telemetry.db", "run/daemon.sock"])
    expect(statSync(join(home, file)).mode & 0o077, file).toBe(0);
});

test("damaged state is refused in words, and left as it is", async () => {
  const path = join(home, "state.db");
  writeFileSync(path, "this is no database".repeat(1000));
  const { said, code } = run();
  expect(await code).toBe(5);
  expect(said()).toContain(path);
  expect(readFileSync(path, "utf8")).toContain("this is no database");
});

test("a home with too long a name is refused with the length that works", async () => {
  const deep = join(home, "x".repeat(60));
  mkdirSync(deep);
  const { said, code } = run(deep);
  expect(await code).toBe(6);
  expect(said()).toMatch(/Set CONSTELLATION_HOME to a path of at most \d+ bytes/);
});

test.each([
  ["others may write", ".", 0o777, "chmod go-w"],
  ["its group may write", ".", 0o770, "chmod go-w"],
  ["others may write although nobody else may remove", ".", 0o1777, "chmod go-w"],
  ["others may write to the sockets of", "run", 0o777, "chmod go-w"],
])(
  "a home that %s is refused with path, mode and remedy, and taken after the remedy",
  async (_, name, mode, command) => {
    const folder = join(home, name);
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, mode);
    const { said, code } = run();
    expect(await code).toBe(6);
    expect(said()).toContain(`${folder}: it has mode ${mode.toString(8).padStart(4, "0")}`);
    expect(said()).toContain(`\`${command} ${folder}\``);
    expect(existsSync(join(home, "state.db"))).toBe(false);
    chmodSync(folder, mode & ~0o022);
    run();
    await serving();
  },
);

test.runIf(process.getuid?.() === 0)("a home of somebody else is refused, and taken when it is ours", async () => {
  chownSync(home, 12_345, 12_345);
  const { said, code } = run();
  expect(await code).toBe(6);
  expect(said()).toContain(`${home}: it belongs to uid 12345, this daemon runs as uid 0`);
  expect(said()).toContain(`\`chown 0 ${home}\``);
  chownSync(home, 0, 0);
  run();
  await serving();
});

test.each(["on a full disk", "into a pipe without a reader"])("a log %s does not end it", async (where) => {
  const full = openSync("/dev/full", "w");
  const child = run(home, where === "on a full disk" ? full : "pipe").child;
  closeSync(full);
  child.stderr?.destroy();
  await serving();
  // It has said by now that it serves, or tried to.
  expect(await run().code).toBe(4);
  expect(await version()).toMatchObject({ pid: child.pid });
});

test("what a call leaves behind is collected once nobody waits", async () => {
  const { child } = run(home, "pipe", ["--expose-gc", "--max-semi-space-size=1", "--trace-gc"]);
  let traced = "";
  child.stdout?.on("data", (chunk: Buffer) => (traced += chunk.toString()));
  await serving();
  // V8's name for a collection that was asked for.
  await eventually(
    async () => {
      await version();
      await sleep(30);
      return traced;
    },
    (lines) => /Scavenge .*testing/.test(lines),
    20_000,
  );
});

test("settings of guarded runs that cannot be read keep no app from running", async () => {
  const config = join(home, "config");
  mkdirSync(config);
  writeFileSync(join(config, "daemon.json"), '{ "guard": ');
  const { said, child } = run(home, "pipe", [], { CONSTELLATION_CONFIG: config });
  await serving();
  await eventually(said, (text) => text.includes("serves"));
  expect(said()).toContain(`Cannot read ${join(config, "daemon.json")}`);
  expect(child.exitCode).toBeNull();
});

test("a history that cannot be read keeps no app from running", async () => {
  mkdirSync(join(home, "telemetry.db"));
  const { said, child, code } = run();
  await serving();
  expect(said()).toContain("the history cannot be read");
  child.kill("SIGTERM");
  expect(await code).toBe(0);
});

test.runIf(process.getuid?.() === 0)("it ends in order on a full disk, without what it could not keep", async () => {
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=3m,mode=700", "tmpfs", home]);
  try {
    const { child, code } = run();
    await serving();
    const { bavail, bsize } = statfsSync(home);
    writeFileSync(join(home, "filler"), Buffer.alloc(bavail * bsize));
    child.kill("SIGTERM");
    expect(await code).toBe(0);
    expect(existsSync(join(home, "state.db.owner"))).toBe(false);
  } finally {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    execFileSync("umount", [home]);
  }
});
