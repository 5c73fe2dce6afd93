import { execFile } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { AppInput } from "@constellation/contract";
import type { ProcessDriver, StartRequest } from "@constellation/instances";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Playground } from "./playground.ts";
import { command, runToEnd } from "./runs.ts";

const fixture = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const attacks = fixture("fixtures/attacks.py");
const runOnce = fixture("../fixtures/run-once.mjs");
const nobody = 65_534;
const root = process.getuid?.() === 0;

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
  rootless = mkdtempSync("/tmp/cst-rootless-");
  chmodSync(rootless, 0o755);
  for (const name of ["run", "state"]) {
    mkdirSync(join(rootless, name));
    if (root) chownSync(join(rootless, name), nobody, nobody);
  }
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
    const known = {
      pids: [process.pid, process.ppid],
      paths: [playground.root, playground.runtime, playground.state, rootless, "/run/constellation/../spawner.lock"],
      sockets: [join(playground.runtime, "daemon.sock"), "/run/docker.sock", "/run/dbus/system_bus_socket"],
      abstract: playground.root,
      otherUid: 12_345,
    };
    const mounts = [{ source: attacks, target: "/srv/attacks.py", readOnly: true }];
    const [answer = "{}"] = await lines(["python3", "/srv/attacks.py", JSON.stringify(known)], { mounts });
    const outcomes = JSON.parse(answer) as Record<string, string>;
    expect(Object.keys(outcomes).length).toBeGreaterThan(100);
    expect(Object.entries(outcomes).filter(([, outcome]) => !outcome.startsWith("refused"))).toEqual([]);
  });
});

async function asNobody(request: StartRequest): Promise<string[]> {
  const options = {
    runtime: join(rootless, "run"),
    state: join(rootless, "state"),
    cgroupBase: `${playground.cgroupBase}-r`,
  };
  const argv = [runOnce, JSON.stringify(request), JSON.stringify(options)];
  const { stdout } = await promisify(execFile)(process.execPath, argv, { uid: nobody, gid: nobody, env: {}, cwd: "/" });
  const outcome = JSON.parse(stdout) as { lines?: string[]; error?: { message: string } };
  if (outcome.lines === undefined) throw new Error(outcome.error?.message);
  return outcome.lines;
}

test("what the attacks know about the machine is true", () => {
  expect(readFileSync("/proc/net/unix", "utf8")).toContain(`@${playground.root}`);
});
