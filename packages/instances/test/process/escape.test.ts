import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { AppInput } from "@constellation/contract";
import type { ProcessDriver, StartRequest } from "@constellation/instances";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { proberFor } from "../../src/probes/prober.ts";
import { inside } from "../../src/process/folders.ts";
import { requestFor } from "../driver/conformance.ts";
import { openPort } from "../ports/running.ts";
import { BothWays } from "../worker/both-ways.ts";
import { asSomeoneElse } from "../someone-else.ts";
import { Playground } from "./playground.ts";
import { command, end, line, runToEnd } from "./runs.ts";

const fixture = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const runOnce = fixture("../fixtures/run-once.mjs");
const nobody = 65_534;
const root = process.getuid?.() === 0;
const { signal } = new AbortController();

/** As whom instances run. */
const modes = [
  ...(root
    ? ([
        ["a user namespace", {}],
        ["a user of its own", { user: false }],
      ] as const)
    : []),
  ["rootless", "rootless"],
] as const;

let playground: Playground;
let driver: ProcessDriver;
let abstract: Server;
let rootless: string;
beforeAll(async () => {
  playground = new Playground();
  driver = await playground.open();
  abstract = createServer().listen(`\0${playground.root}`);
  await once(abstract, "listening");
  rootless = mkdtempSync(join(tmpdir(), "cst-rootless-"));
  chmodSync(rootless, 0o755);
  for (const name of ["run", "state"]) {
    mkdirSync(join(rootless, name));
    if (root) chownSync(join(rootless, name), nobody, nobody);
  }
  // The checkout may lie where only its owner can look.
  copyFileSync(fixture("fixtures/attacks.py"), join(rootless, "attacks.py"));
});
afterAll(async () => {
  abstract.close();
  expect(await playground.leftovers()).toEqual([]);
  await playground.close();
  rmSync(rootless, { recursive: true, force: true });
});

describe.runIf(existsSync("/usr/bin/python3")).each(modes)("from inside, as %s", (_, mode) => {
  async function lines(argv: string[], spec: Partial<AppInput> = {}): Promise<string[]> {
    const isolation = mode === "rootless" ? {} : mode;
    const request = command(playground, argv, { isolation, ...spec });
    return mode === "rootless" && root ? await asNobody(request) : (await runToEnd(driver, request)).lines;
  }

  test("no attempt to get out, to reach others or to change the machine gets through", async () => {
    const [answer] = await lines(["python3", "/srv/attacks.py", known()], { mounts: mounts() });
    allRefused(answer);
  });
});

test.runIf(root && existsSync("/usr/bin/python3"))(
  "nor does one that a Node makes which waited for its script",
  async () => {
    const both = await BothWays.open();
    try {
      const script = `
      import { spawnSync } from "node:child_process";
      const words = ["/srv/attacks.py", process.env.KNOWN];
      console.log(spawnSync("python3", words, { encoding: "utf8" }).stdout.trim());`;
      const { warm, cold } = await both.see({
        name: "attacks",
        script,
        spec: { mounts: mounts(), env: { KNOWN: known() } },
      });
      expect([warm.start, cold.start]).toEqual(["warm", expect.stringMatching(/^(slot|cold)$/)]);
      for (const { stdout } of [warm, cold]) allRefused(stdout[0]);
    } finally {
      await both.close();
    }
  },
);

const mounts = () => [{ source: join(rootless, "attacks.py"), target: "/srv/attacks.py", readOnly: true }];

/** What an attacker could know about the machine. */
const known = (): string =>
  JSON.stringify({
    pids: [process.pid, process.ppid],
    paths: [playground.root, playground.runtime, playground.state, rootless, "/run/constellation/../spawner.lock"],
    sockets: [join(playground.runtime, "daemon.sock"), "/run/docker.sock", "/run/dbus/system_bus_socket"],
    abstract: playground.root,
    otherUid: 12_345,
  });

function allRefused(answer = "{}"): void {
  const outcomes = JSON.parse(answer) as Record<string, string>;
  expect(Object.keys(outcomes).length).toBeGreaterThan(100);
  expect(Object.entries(outcomes).filter(([, outcome]) => !outcome.startsWith("refused"))).toEqual([]);
}

async function asNobody(request: StartRequest, commands: readonly string[][] = []): Promise<string[]> {
  const options = {
    runtime: join(rootless, "run"),
    state: join(rootless, "state"),
    cgroupBase: `${playground.cgroupBase}-r`,
  };
  const words = [request, options, commands].map((each) => JSON.stringify(each));
  const outcome = JSON.parse(await asSomeoneElse(nobody, runOnce, words)) as {
    lines?: string[];
    error?: { message: string };
  };
  if (outcome.lines === undefined) throw new Error(outcome.error?.message);
  return outcome.lines;
}

test.runIf(root && existsSync("/usr/bin/python3"))(
  "nor does it get at a command, executed in it below a daemon of the same user, that is still ours",
  async () => {
    // Stops what appears between any two of its system calls, and looks whether it lets itself be looked into.
    const script = `
import os, signal
load = os.open("/proc/loadavg", os.O_RDONLY) # its last word is the number that was given last
met = os.getpid()
print("ready", flush=True)
while True:
    pid = int(os.pread(load, 100, 0).split()[-1])
    if pid == met:
        continue
    met = pid
    try:
        os.kill(pid, signal.SIGSTOP)
        print("met", flush=True)
        while True:
            try:
                program = os.readlink(f"/proc/{pid}/exe")
                print("through" if "launcher" in program else "late", program, flush=True)
                break
            except PermissionError:
                os.kill(pid, signal.SIGCONT)
                os.kill(pid, signal.SIGSTOP)
        os.kill(pid, signal.SIGCONT)
    except (ProcessLookupError, FileNotFoundError):
        pass
`;
    const request = command(playground, ["python3", "-c", script], { isolation: { network: "none" } });
    const lines = await asNobody(
      request,
      Array.from({ length: 60 }, () => ["true"]),
    );
    expect(lines.filter((text) => text === "met").length).toBeGreaterThan(5);
    expect(lines.filter((text) => text.startsWith("through"))).toEqual([]);
  },
);

test("what the attacks know about the machine is true", () => {
  expect(readFileSync("/proc/net/unix", "utf8")).toContain(`@${playground.root}`);
});

describe.runIf(existsSync("/usr/bin/python3"))("what an instance leaves for us", () => {
  const python = (script: string, spec: Partial<AppInput> = {}): StartRequest =>
    command(playground, ["python3", "-c", script], spec);

  test("is deleted without following its links, however deep and closed it is", async () => {
    const victim = join(playground.root, "victim");
    mkdirSync(victim);
    writeFileSync(join(victim, "kept"), "");
    const request = python(
      `
import os
data = os.environ["DATA_DIR"]
os.symlink("${victim}", data + "/link")
os.symlink("${victim}/kept", data + "/file")
os.mkdir(data + "/closed")
os.mkdir(data + "/closed/inner")
os.chdir(data)
for level in range(600):
    os.mkdir("d" * 200)
    os.chdir("d" * 200)
open("deep", "w").close()
os.chmod(data + "/closed", 0)
print("made")
`,
      {},
    );
    const { lines: said } = await runToEnd(driver, { ...request, app: "deep" });
    expect(said).toEqual(["made"]);
    await driver.forget("deep");
    await expect.poll(() => left(join(playground.state, "removed")), { timeout: 20_000 }).toEqual([]);
    expect(left(join(playground.state, "data")).filter((name) => name.startsWith("deep"))).toEqual([]);
    expect(left(victim)).toEqual(["kept"]);
  });

  test("a script run by whoever executes it does not lead to the launcher's file", async () => {
    const request = python(
      `
import os, time
data = os.environ["DATA_DIR"]
with open(data + "/tool", "w") as file:
    file.write("#!/proc/self/exe session\\n")
os.chmod(data + "/tool", 0o755)
print("ready", flush=True)
while True:
    for pid in os.listdir("/proc"):
        try:
            program = os.readlink(f"/proc/{pid}/exe")
            if "launcher" not in program or pid == "1":
                continue
            try:
                os.close(os.open(f"/proc/{pid}/exe", os.O_WRONLY))
                answer = "written"
            except OSError as error:
                answer = error.strerror
            print(program.split(" ")[0], "|", answer, flush=True)
            time.sleep(1000)
        except (OSError, ValueError):
            pass
`,
      { isolation: { network: "none" } },
    );
    const handle = await driver.start(request, { signal });
    await line(handle, /ready/);
    const argv = [`${handle.facts.environment["DATA_DIR"]}/tool`];
    const session = await handle.exec({ argv, tty: false, columns: 80, rows: 24 }, { signal });
    expect(await line(handle, /\|/)).toMatch(/^\/memfd:launcher \| (?!written)/);
    await session.close();
    await end(driver, handle);
  });

  test("keys cannot be pushed into the terminal of a command that somebody executes in it", async () => {
    const handle = await driver.start(python("import time; print('ready', flush=True); time.sleep(1000)"), { signal });
    await line(handle, /ready/);
    const script = "import fcntl; fcntl.ioctl(0, 0x5412, b'x')";
    const argv = ["python3", "-c", script];
    const session = await handle.exec({ argv, tty: true, columns: 80, rows: 24 }, { signal });
    let text = "";
    for await (const { bytes } of session.output) text += Buffer.from(bytes).toString();
    expect(text).toContain("Operation not permitted");
    await session.close();
    await end(driver, handle);
  });
});

test.runIf(root && existsSync("/usr/bin/python3"))(
  "an instance in the file tree of the machine pushes no numbers for others, and its own as ever",
  async () => {
    const victim = await driver.start(command(playground, ["sleep", "1000"]), { signal });
    const others = join(playground.runtime, "runs", victim.facts.runId, "sockets/metrics.sock");
    await expect.poll(() => existsSync(others)).toBe(true);
    const script = `
import os, socket, time
def push(path):
    with socket.socket(socket.AF_UNIX) as wire:
        wire.connect(path)
        wire.sendall(b"orders=666\\n")
own = os.environ["CONSTELLATION_METRICS"]
while not os.path.exists(own):
    time.sleep(0.01)
time.sleep(0.1)
push(own)
try:
    push("${others}")
    print("forged", flush=True)
except OSError as error:
    print("refused:", error.strerror, flush=True)
time.sleep(1000)
`;
    const request = command(playground, ["python3", "-c", script], { isolation: { mount: false } });
    const handle = await driver.start(request, { signal });
    expect(await line(handle, /forged|refused/)).toBe("refused: Permission denied");
    await expect.poll(() => handle.stats()?.custom).toEqual({ orders: 666 });
    expect(victim.stats()?.custom).toEqual({});
    await end(driver, handle);
    await end(driver, victim);
  },
);

describe("the doors of a shared port", () => {
  const filler = `
    const fs = require("node:fs");
    let bytes = 0;
    try {
      for (;;) bytes += fs.writeSync(fs.openSync("${inside.doors}/fill" + bytes, "w"), Buffer.alloc(65536));
    } catch (error) {
      console.log(error.code, bytes <= 1e6 ? "soon" : "late");
    }
    for (const name of fs.readdirSync("${inside.doors}")) fs.rmSync("${inside.doors}/" + name);
    fs.symlinkSync(process.env.SECRET, "${inside.doors}/http.sock");
    console.log("linked");
    setInterval(() => {}, 1000);`;

  test("are no place to fill our disk, and a link in their place is not followed", async () => {
    const port = await openPort();
    const secret = join(playground.root, "secret.sock");
    let visits = 0;
    const server = createServer(() => (visits += 1)).listen(secret);
    await once(server, "listening");
    const common = { name: "http", publicPort: port.port, port: port.port, address: port.address, url: "" };
    const handle = await driver.start(
      requestFor(
        { kind: "command", argv: [process.execPath, "-e", filler] },
        {
          env: { ...playground.env, SECRET: secret },
          ports: [{ mode: "shared", ...common, socketFile: port.socketFile }],
        },
      ),
      { signal },
    );
    expect(await line(handle, /soon|late/)).toBe("ENOSPC soon");
    await line(handle, /linked/);
    const prober = proberFor({ kind: "tcp", port: null }, handle, [
      { mode: "shared", ...common, socketFile: port.socketFile },
    ]);
    expect(await prober.probe(AbortSignal.timeout(5000))).toMatchObject({ ok: false });
    expect(visits).toBe(0);
    expect(left(join(playground.runtime, "runs", handle.facts.runId, "doors"))).toEqual([]);
    await end(driver, handle);
    server.close();
  });
});

const left = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);
