import { execFile, execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { once } from "node:events";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import type { Feature, Instance, InstanceDetails } from "@constellation/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { killProcess, listProcesses } from "../chaos/processes.ts";

// The whole product as an ordinary user without a login session: no runtime folder, no groups, no rights. Only root can
// become somebody else; whoever is no root runs every other test this way.
const root = resolve(import.meta.dirname, "../..");
const command = "packages/cli/dist/constellation.js";
/** No namespace can be made any more, and nobody has the rights of whoever said so. */
const withoutNamespaces =
  'echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --ambient-caps=-all --inh-caps=-all "$@"';
/** Somebody whom nobody else on this machine is. */
const user = 165_534;
const reads = ["--reuid", String(user), "--regid", String(user), "--clear-groups", "test", "-r", join(root, command)];
const port = 21_600 + (process.pid % 200);

interface Ended {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

describe.runIf(process.getuid?.() === 0)("an ordinary user", () => {
  let home: string;
  let checkout = root;
  /** What a login says where sockets are to lie, if there is one. */
  let login: string | undefined;
  let hasHome = true;
  /** What commands are run by. */
  let scene: readonly string[] = [];
  beforeAll(() => {
    // Where only its owner can look at the checkout (as in `/root`), others get a view of it.
    if (spawnSync("setpriv", reads).status !== 0) {
      checkout = mkdtempSync("/tmp/cst-view-");
      execFileSync("mount", ["--bind", root, checkout]);
    }
    home = mkdtempSync("/tmp/cst-user-");
    symlinkSync(join(checkout, "node_modules"), join(home, "node_modules"));
    writeFileSync(
      join(home, "web.js"),
      `require("node:http").createServer((_, r) => r.end(process.env.HOSTNAME)).listen(process.env.PORT); console.log("serves")`,
    );
    mkdirSync(join(home, "sub"));
    for (const path of [home, join(home, "web.js"), join(home, "sub")]) chownSync(path, user, user);
    chmodSync(home, 0o755);
  });
  afterAll(async () => {
    await constellation("daemon", "stop", "--instances");
    for (const each of ours()) killProcess(each);
    rmSync(home, { recursive: true, force: true });
    if (checkout === root) return;
    execFileSync("umount", [checkout]);
    rmdirSync(checkout);
  });

  const ours = () => listProcesses().filter(({ command }) => command.includes(home));
  /** By a connection of its own: one that is kept may be closed by the server as it is used again. */
  const answer = async (port: number): Promise<string> =>
    (await fetch(`http://127.0.0.1:${port}`, { headers: { connection: "close" } })).text();
  const constellation = (...argv: readonly string[]): Promise<Ended> =>
    new Promise((done) => {
      const env = { HOME: hasHome ? home : "", PATH: process.env["PATH"] ?? "", NO_COLOR: "1", XDG_RUNTIME_DIR: login };
      const options = { cwd: home, env, uid: user, gid: user, timeout: 60_000 };
      const [program, ...words] = [...scene, process.execPath, join(checkout, command), ...argv] as const;
      execFile(program ?? "", words, options, (error, out, err) =>
        done({ status: error === null ? 0 : typeof error.code === "number" ? error.code : -1, out, err }),
      );
    });
  async function json<T>(...argv: readonly string[]): Promise<T> {
    const { status, out, err } = await constellation(...argv, "--json");
    if (status !== 0) throw new Error(`constellation ${argv.join(" ")}: ${err}`);
    return JSON.parse(out) as T;
  }
  function spec(name: string, settings: object): string {
    const path = join(home, `${name}.ts`);
    const value = JSON.stringify({ name, script: "./web.js", ...settings });
    writeFileSync(path, `import { app } from "constellation";\nexport default app(${value});\n`);
    return path;
  }
  const pids = async (): Promise<Record<string, number>> => {
    const { instances } = await json<{ instances: Instance[] }>("ps");
    return Object.fromEntries(
      instances.map(({ name, state }) => [name, state.status === "running" && state.ready ? state.pid : 0]),
    );
  };

  test("runs an app that is isolated, served, entered, and says what it lacks", { timeout: 120_000 }, async () => {
    const limits = { memory: "64MB", network: "10Mbit", bestEffort: true };
    const up = await constellation("up", spec("web", { instances: 2, port, health: { http: "/" }, resources: limits }));
    expect(up).toMatchObject({ status: 0 });
    expect(up.out + up.err).toContain("limit.network-in");
    expect(await answer(port)).toMatch(/^web-[12]$/);
    const { measures } = await json<InstanceDetails>("inspect", "web.1");
    const states = Object.fromEntries(measures.map(({ name, state }) => [name, state]));
    // What is measured names a limit only where one is in force.
    const sample = (await constellation("top", "web", "--once", "--json")).out;
    expect(sample).toContain(`"memoryLimitBytes":${states["limit.memory"] === "on" ? 64_000_000 : null},`);
    const on = ["pid", "mount", "ipc", "uts", "cgroup", "user"].map((name) => `namespace.${name}`);
    for (const name of [...on, "root.read-only", "seccomp", "capabilities"])
      expect([name, states[name]]).toEqual([name, "on"]);
    for (const name of ["namespace.network", "limit.network-in", "limit.network-out"])
      expect([name, states[name]]).toEqual([name, "missing"]);
    const inside = await constellation(
      "exec",
      "web.1",
      "--",
      "sh",
      "-c",
      "id -u; cat /proc/1/comm; ls /home /root /run",
    );
    expect(inside.out).toMatch(/^[78]\d{4}\ninstance-init\n/);
    expect(inside.out).not.toContain("cst-user");
    expect((await constellation("logs", "web")).out).toContain("serves");
  });

  test("is told of each part that needs root, with what to do", async () => {
    const { features } = await json<{ features: Feature[] }>("doctor");
    const found = Object.fromEntries(features.map((feature) => [feature.name, feature]));
    expect(found["driver.process"]).toMatchObject({ state: "available", detail: "rootless" });
    expect(found["isolation.level"]?.detail).toMatch(/^launcher; lacks .*root daemon/);
    expect(found["isolation.private-network"]).toMatchObject({ state: "missing", remedy: "Run the daemon as root." });
    const low = await constellation("up", spec("low", { port: 81 }));
    expect(low).toMatchObject({ status: expect.any(Number) as number });
    expect(low.status).not.toBe(0);
    expect(low.err).toMatch(/port 81 .*below 1024 need root/);
    const strict = await constellation("up", spec("strict", { resources: { network: "10Mbit", disk: "50MB" } }));
    expect(strict.status).not.toBe(0);
    expect(strict.err).toMatch(/network-in limit .*root daemon.*disk limit .*root daemon/s);
    expect(strict.err).toContain("Run the daemon as root. Or remove the limit, or set resources.bestEffort.");
  });

  test("is told that somebody else has a port, whom it cannot look into", async () => {
    const other = createServer().listen(port + 200, "127.0.0.1");
    await once(other, "listening");
    const taken = await constellation("up", spec("taken", { port: port + 200 }));
    other.close();
    expect(taken).toMatchObject({ status: 4 });
    expect(taken.err).toMatch(/in use by somebody else's process.*\n.*sudo ss/);
  });

  test("has one daemon, also where a login gave a folder for sockets", async () => {
    const there = await json<{ pid: number }>("daemon", "status");
    login = join(home, "sub");
    expect(await json<{ pid: number }>("daemon", "status")).toMatchObject({ pid: there.pid });
    login = undefined;
  });

  test("keeps its instances when the daemon is killed; the next has the same ones", { timeout: 60_000 }, async () => {
    const before = await pids();
    expect(Object.keys(before)).toEqual(["web.1", "web.2"]);
    const daemon = listProcesses().find(
      ({ command, environment }) => command.endsWith("daemon.js") && environment["HOME"] === home,
    );
    if (daemon === undefined) throw new Error("no daemon runs");
    expect(killProcess(daemon)).toBe(true);
    expect(await answer(port)).toMatch(/^web-[12]$/);
    expect((await constellation("daemon", "start")).status).toBe(0);
    await expect.poll(pids, { timeout: 20_000 }).toEqual(before);
  });

  test("says nothing to whoever was faster to make its folder in /tmp, where it has no home", async () => {
    const folder = `/tmp/constellation-${user}`;
    mkdirSync(folder);
    hasHome = false;
    const refused = await constellation("ps");
    hasHome = true;
    rmdirSync(folder);
    expect(refused).toMatchObject({ status: 9, err: expect.stringContaining("Set HOME") as string });
  });

  test("stops and starts instances whose folders somebody has deleted", { timeout: 60_000 }, async () => {
    const run = join(home, ".constellation/run");
    const before = await pids();
    rmSync(join(run, "runs"), { recursive: true });
    expect((await constellation("restart", "web")).status).toBe(0);
    const settled = async (): Promise<boolean> => {
      const now = Object.values(await pids());
      return now.length === 2 && now.every((pid) => pid > 0 && !Object.values(before).includes(pid));
    };
    await expect.poll(settled, { timeout: 30_000 }).toBe(true);
  });

  test("is told that nothing is kept apart where there are no namespaces", { timeout: 60_000 }, async () => {
    expect((await constellation("daemon", "stop")).status).toBe(0);
    scene = ["unshare", "--user", "--map-current-user", "--keep-caps", "sh", "-c", withoutNamespaces, "sh"];
    expect((await constellation("daemon", "start")).status).toBe(0);
    scene = [];
    const { status, out } = await constellation("up", spec("open", { command: ["sleep", "1000"], script: undefined }));
    expect({ status, out }).toMatchObject({
      status: 0,
      out: expect.stringContaining("isolation: nothing of its own for user, mount, pid") as string,
    });
  });

  test("leaves nothing", { timeout: 60_000 }, async () => {
    expect((await constellation("rm", "--all")).status).toBe(0);
    expect((await constellation("daemon", "stop")).status).toBe(0);
    await expect.poll(() => ours().map(({ command }) => command), { timeout: 10_000 }).toEqual([]);
    expect(readdirSync(join(home, ".constellation/run/runs"))).toEqual([]);
  });
});
