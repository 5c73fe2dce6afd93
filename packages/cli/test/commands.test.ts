import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { commandLine, withWeb } from "./command-line.ts";

test("top --once of what ends meanwhile ends, too", async () => {
  const { run } = await withWeb();
  const top = run("top", "--once", "--interval", "2s");
  // Between its two rounds.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  await run("stop", "web");
  expect(await top).toMatchObject({ code: 0 });
});

test("what a program says to a probe, or as it ends, cannot drive the terminal", async () => {
  const { run, write } = await commandLine();
  const said = "\u001b[2J\u001b]0;title\u0007boom\u009b31m";
  write("constellation.json", JSON.stringify({ name: "bad", command: ["x"], env: { FAIL: said } }));
  const told = [await run("up"), await run("ps"), await run("events"), await run("inspect", "bad")];
  for (const { out, err } of [...told, await run("inspect", "bad.1")]) {
    expect(out + err).toContain("boom");
    // eslint-disable-next-line no-control-regex -- these are what is looked for
    expect(out + err).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
  }
});

test("nor can the words of a process that listens", async () => {
  const { run } = await commandLine();
  const listen = 'require("node:net").createServer().listen(0, "127.0.0.1", () => console.log("up"))';
  const child = spawn(process.execPath, ["-e", listen, "\u001b]0;title\u0007\u009b31mboom"]);
  onTestFinished(() => void child.kill());
  await once(child.stdout, "data");
  const { out } = await run("ports");
  expect(out).toMatch(/boom/);
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  expect(out).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
});

test("create takes its settings from options", async () => {
  const { run, write } = await commandLine();
  write("hello.ts", "console.log('hello')");
  const options = ["--cpu=0.5", "--memory=64MB", "--env", "A=1", "--env=B=x=y", "--restart", "never", "--instances=3"];
  expect(await run("create", "--name=hello", "--script=hello.ts", ...options)).toMatchObject({ code: 0, err: "" });
  const { spec } = JSON.parse((await run("inspect", "hello", "--json")).out) as { spec: Record<string, unknown> };
  expect(spec).toMatchObject({
    env: { A: "1", B: "x=y" },
    instances: 3,
    resources: { cpuCores: 0.5, memoryBytes: 64e6 },
    restart: { policy: "never" },
  });
  expect(await run("create", "--name=hello", "--", "true")).toMatchObject({ code: 4 });
  expect(await run("create", "--name=sleep", "--no-wait", "--", "sleep", "--long", "1")).toMatchObject({ code: 0 });
  expect((await run("inspect", "sleep")).out).toContain('"sleep" "--long" "1"');
});

test("init writes a spec that up takes, and never writes over one", async () => {
  const { run, write, folder } = await commandLine();
  write("package.json", '{"name":"@me/My App"}');
  write("src/server.ts", "console.log(1)");
  expect((await run("init")).out).toContain("app my-app runs ./src/server.ts");
  const spec = readFileSync(join(folder, "constellation.ts"), "utf8");
  expect(spec).toContain('name: "my-app"');
  // The first app runs for an ordinary user, too, who can limit neither.
  expect(spec).toContain('{ cpu: 1, memory: "256MB", bestEffort: true }');
  expect((await run("up")).code).toBe(0);
  expect(await run("init")).toMatchObject({ code: 4, err: expect.stringContaining("constellation.ts") });
});

test("ps, inspect, events and top show what there is", async () => {
  const { run } = await withWeb();
  const { out } = await run("ps");
  expect(out).toMatch(/^APP +READY .*\nweb +2\/2 .*healthy/);
  expect(out).toMatch(/web\.1 +\d+ .*running/);
  expect((await run("ps", "web")).code).toBe(0);
  expect((await run("inspect", "web.1")).out).toContain("namespace.pid  on");
  expect((await run("inspect", "web", "--plan")).out).toContain("exec /bin/true");
  expect((await run("events", "web")).out).toContain("web  healthy, revision 1");
  expect((await run("events", "-n", "1", "--json")).out.trim().split("\n")).toHaveLength(1);
  expect((await run("top", "--once", "--interval=100ms")).out).toMatch(/web\.1 +12\.5%/);
});

test("logs choose lines, and end when interrupted", async () => {
  const { run, interruptible } = await withWeb();
  expect((await run("logs", "web", "-n", "2")).out.trim().split("\n")).toHaveLength(2);
  expect((await run("logs", "web.2", "--json")).out).toContain('"instance":"web.2"');
  expect((await run("logs", "web.2")).out).not.toContain("web.1 |");
  expect((await run("logs", "--since=1h", "--stream=stderr")).out).toBe("");
  const { done, stop } = interruptible("logs", "-f");
  setTimeout(stop, 300);
  expect(await done).toMatchObject({ code: 130, err: "" });
});

test("logs take how long ago, and times of this machine and of others", async () => {
  const { run } = await withWeb();
  const since = async (text: string): Promise<number> => (await run("logs", "web", "--since", text)).out.length;
  for (const text of ["1h 30m", "99999d", "2020-01-31", "2020-01-31 10:00", "2020-01-31T10:00:00.123456789Z"])
    expect(await since(text)).toBeGreaterThan(0);
  expect(await since("2120-01-31T10:00+02:00")).toBe(0);
});

test("logs are not read faster than they are taken", async () => {
  const { run, interruptible } = await withWeb();
  expect((await run("logs")).out.split("\n").length).toBeGreaterThan(2);
  const { done, stop, soFar, stall } = interruptible("logs", "-f");
  stall();
  await vi.waitFor(() => expect(soFar().out).toMatch(/\|.*\n/));
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(soFar().out.trim().split("\n")).toHaveLength(1);
  stop();
  expect(await done).toMatchObject({ code: 130 });
});

test("what is named wrongly is said in words, with what was meant", async () => {
  const { run } = await withWeb();
  const failure = async (...argv: string[]) => {
    const { code, out, err } = await run(...argv);
    expect({ argv, out, failed: code !== 0 }).toEqual({ argv, out: "", failed: true });
    return err;
  };
  for (const argv of [
    ["exec", "wep", "--", "true"],
    ["inspect", "wep", "--plan"],
  ])
    expect(await failure(...argv)).toMatch(/no app[^]*wep[^]*Did you mean web\?/);
  expect(await failure("exec", "nope.1", "--", "true")).toContain("nope.1");
  expect(await failure("scale", "web=100000")).toContain('"web=100000", an app has at most 10000 instances');
  expect(await failure("scale", "web=10001")).toContain("at most 10000 instances");
  expect(await failure("logs", "--instance", "web")).toContain(
    '--instance is "web", it must be the name of an instance, like "web.1"',
  );
  expect(await failure("restart", "web.1")).toContain("web.1 is an instance, and this is done to apps: name web.");
  expect(await failure("inspect", "web.x")).toContain(
    'There is no such instance: instance is "web.x": must be written',
  );
  for (const [name, option] of [
    ["other", "web.1"],
    ["web.2", "web.1"],
  ] as const) {
    const err = await failure("logs", name, "--instance", option);
    expect(err).toContain(`\`logs\` got ${name} and --instance ${option}, which is no instance of it`);
  }
  for (const argv of [
    ["web", "--instance", "web.1"],
    ["web.1", "--instance", "web.1"],
    ["--instance", "web.1"],
  ])
    expect((await run("logs", ...argv)).out).toContain("web.1 |");
});

test("stop and down that are interrupted say what goes on, and what was not begun", async () => {
  vi.stubEnv("MEMORY_STOP_MS", "1500");
  onTestFinished(() => void vi.unstubAllEnvs());
  const { run, write, interruptible } = await commandLine();
  write("two.json", '[{"name":"a","command":["x"]},{"name":"b","command":["x"]}]');
  await run("up", "two.json");
  const { done, stop } = interruptible("stop", "a", "b");
  await vi.waitFor(async () => expect((await run("ps")).out).toMatch(/a +.*stop/), { timeout: 5000 });
  stop();
  expect(await done).toMatchObject({
    code: 130,
    out: "",
    err: "Interrupted: Waiting for a was cancelled; the work goes on, and nothing was done to b\n",
  });
  const down = interruptible("down", "--all");
  setTimeout(down.stop, 500);
  expect((await down.done).err).toMatch(/^Interrupted: Waiting for a was cancelled; the work goes on, and nothing was/);
  await vi.waitFor(async () => expect((await run("ps")).out).not.toMatch(/^a /m), { timeout: 5000 });
  expect((await run("ps")).out).toMatch(/^b /m);
});

test("scale, stop, start, restart, rm and down", async () => {
  const { run, write } = await withWeb();
  expect((await run("scale", "web=4")).out).toBe("Scaling web from 2 to 4\n");
  expect((await run("scale", "web=4")).out).toBe("web stays at 4\n");
  expect((await run("stop", "web")).out).toBe("Stopped web\n");
  expect((await run("ps")).out).toContain("stopped");
  expect((await run("start", "web", "--json")).out).toBe('{"apps":["web"]}\n');
  expect((await run("restart", "--all")).out).toBe("Restarting web\n");
  expect((await run("rm", "web")).out).toBe("Removed web\n");
  write("two.json", '[{"name":"a","command":["x"]},{"name":"b","command":["x"]}]');
  await run("up", "two.json");
  expect((await run("down", "two.json")).out).toBe("Removed b\nRemoved a\n");
  expect((await run("down", "--all")).out).toBe("Nothing to remove.\n");
});

test("the daemon is started, seen and stopped", async () => {
  const { run } = await commandLine();
  expect(await run("daemon", "status")).toMatchObject({ code: 6 });
  expect((await run("version")).out).toContain("not running");
  expect((await run("daemon", "start")).out).toContain("Started the daemon");
  expect((await run("daemon", "start")).out).toContain("runs already");
  expect((await run("daemon", "status")).out).toContain("running   pid");
  expect(JSON.parse((await run("version", "--json")).out)).toMatchObject({ daemon: { api: 1 } });
  expect((await run("daemon", "stop")).out).toContain("instances go on");
  expect(await run("ps")).toMatchObject({ code: 6 });
});

test("init takes a port that is one, and a folder's name where the manifest cannot be read", async () => {
  const { run, write } = await commandLine();
  for (const port of ["0", "65536"]) expect(await run("init", "--port", port)).toMatchObject({ code: 2 });
  write("package.json", "{ not yet");
  expect(await run("init", "--name", "web")).toMatchObject({ code: 0 });
  write("there/package.json", "null");
  process.chdir("there");
  expect(await run("init")).toMatchObject({ code: 0, out: expect.stringContaining("app there runs") });
  process.chdir("..");
});

test("doctor without a daemon starts one for the question and stops it again", async () => {
  const { run, home } = await commandLine();
  const { out, code } = await run("doctor");
  expect(code).toBe(0);
  expect(out).toMatch(/✖ +disk quota +no loop devices — Load the loop module\./);
  expect(out).toContain("2 of 3 features are not fully there.");
  // It had a home of its own: in the user's it would have brought every app to life.
  expect(readdirSync(home)).toEqual([]);
});

test("doctor that is interrupted leaves no daemon, whenever that is", async () => {
  const { interruptible, home } = await commandLine();
  // Where it makes a home for its daemon when the usual one has a long name.
  vi.stubEnv("TMPDIR", home);
  onTestFinished(() => void vi.unstubAllEnvs());
  for (const afterMs of [0, 20, 60, 120]) {
    const { done, stop } = interruptible("doctor");
    await vi.waitFor(() => expect(readdirSync(home)).toHaveLength(1), { interval: 1 });
    setTimeout(stop, afterMs);
    expect([0, 130]).toContain((await done).code);
    expect(processesNaming(home)).toEqual([]);
    expect(readdirSync(home)).toEqual([]);
  }
});

/** Processes that have a path in their environment. */
function processesNaming(path: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, "utf8").includes(path);
    } catch {
      return false;
    }
  });
}

test("exec that is interrupted while the daemon does not answer ends", async () => {
  const { home, interruptible } = await commandLine();
  mkdirSync(join(home, "run"));
  const silent = createServer().listen(join(home, "run/daemon.sock"));
  onTestFinished(() => void silent.close());
  const connected = once(silent, "connection");
  const { done, stop } = interruptible("exec", "web.1", "--", "true");
  const [socket] = (await connected) as [Socket];
  onTestFinished(() => void socket.destroy());
  stop();
  expect(await done).toMatchObject({ code: 130 });
});

test("the words of another program choose nothing of ours", async () => {
  const { run } = await commandLine();
  for (const argv of [
    ["exec", "web.1", "program", "--json"],
    ["create", "--name=A", "--", "program", "--json"],
  ])
    expect((await run(...argv)).err).toMatch(/^Error: /);
});

test("doctor that can write nowhere says where it should", async () => {
  const { run, write, folder } = await commandLine();
  write("file", "");
  vi.stubEnv("TMPDIR", join(folder, "file/below"));
  expect(await run("doctor")).toMatchObject({ code: 6, err: expect.stringContaining("Set TMPDIR") });
  vi.unstubAllEnvs();
});

test("the systemd unit names this Node, this daemon and its settings", async () => {
  const { run } = await commandLine();
  vi.stubEnv("CONSTELLATION_WARM", "3");
  vi.stubEnv("CONSTELLATION_CPU_LATENCY", "20");
  const { out } = await run("daemon", "install", "--print");
  vi.unstubAllEnvs();
  expect(out).toContain(`ExecStart=${process.execPath} `);
  expect(out).toContain("CONSTELLATION_WARM=3");
  expect(out).toContain("CONSTELLATION_CPU_LATENCY=20");
  expect(out).toContain("KillMode=process");
});

test.each([
  [["pss"], 2, "Did you mean ps?"],
  [["up", "--wat"], 2, "'--wat'"],
  [["up", "missing.ts"], 2, "missing.ts"],
  [["up"], 2, "constellation init"],
  [["stop"], 2, "--all"],
  [["scale", "web"], 2, "web=5"],
  [["create"], 2, "--name"],
  [["create", "--name=a", "--cpu=much", "--", "x"], 2, "--cpu"],
  [["create", "--name=A", "--", "x"], 2, "lower case"],
  [["logs", "--tail=x"], 2, "--tail"],
  [["logs", "--tail=1000001"], 2, "up to 1000000"],
  [["logs", "--since=10"], 2, "--since"],
  [["top", "--once", "--interval=10ms"], 2, 'interval is "10ms", it must be from 100ms to 1h'],
  [["logs", "--since=5 minutes ago"], 2, "--since"],
  [["logs", "--since=2026-02-31T25:00"], 2, "--since"],
  [["init", "--name=My App"], 2, "lower case"],
  [["stop", "wbe"], 3, "Did you mean web?"],
  [["inspect", "web.9"], 3, "web.9"],
  [["completion", "tcsh"], 2, "bash, zsh, fish"],
])("%j fails with %i and says %j", async (argv, code, text) => {
  const line = await commandLine();
  line.write("other/web.json", '{"name":"web","command":["x"]}');
  if (code === 3) await line.run("up", "other/web.json");
  const outcome = await line.run(...argv);
  expect(outcome).toMatchObject({ code, out: "" });
  expect(outcome.err).toContain(text);
  const [name = "", ...words] = argv;
  const json = JSON.parse((await line.run(name, "--json", ...words)).err) as { error: object };
  expect(json.error).toHaveProperty("code");
});

test("without a command it shows help; help of each command names its options", async () => {
  const { run } = await commandLine();
  expect(await run("--help")).toMatchObject({ code: 0, out: expect.stringContaining("Usage: constellation") });
  expect((await run("help", "up")).out).toContain("--no-wait");
  expect((await run("logs", "--help")).out).toContain("--since");
  expect((await run("--version")).out).toMatch(/^\d+\.\d+\.\d+\n$/);
});
