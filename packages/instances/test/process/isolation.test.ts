import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ProcessDriver } from "@constellation/instances";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { asRoot } from "../launch/world.ts";
import { limitsHere } from "../limits-here.ts";
import { Playground } from "./playground.ts";
import { command, refusal, runToEnd, shell } from "./runs.ts";

let playground: Playground;
let driver: ProcessDriver;
beforeAll(async () => {
  playground = new Playground();
  driver = await playground.open();
});
afterAll(async () => {
  expect(await playground.leftovers()).toEqual([]);
  await playground.close();
});

describe("by default", () => {
  test("it sees only itself, cannot write outside, has no rights, and keeps a data folder over restarts", async () => {
    const script = `
      echo "hosts $(hostname)"
      echo "first $(cat /proc/1/comm)"
      echo "caps $(grep CapEff /proc/self/status | cut -f2) $(grep NoNewPrivs /proc/self/status | cut -f2) $(grep Seccomp: /proc/self/status | cut -f2)"
      touch /etc/mine 2>/dev/null && echo "wrote /etc"
      touch /usr/mine 2>/dev/null && echo "wrote /usr"
      [ "$(id -u)" = 0 ] && echo "is root"
      ls -A /root /home 2>/dev/null | grep -v ':$' | grep . && echo "sees homes"
      echo "before $(cat $DATA_DIR/count 2>/dev/null)"
      echo x >> $DATA_DIR/count && echo "wrote data"
      touch /tmp/a && echo "wrote tmp"
      echo "folder $(pwd)"
    `;
    const request = shell(playground, script);
    const first = await runToEnd(driver, request);
    expect(first.lines).toEqual([
      `hosts ${request.app}-${request.index}`,
      "first instance-init",
      "caps 0000000000000000 1 2",
      "before ",
      "wrote data",
      "wrote tmp",
      "folder /data",
    ]);
    const again = await runToEnd(driver, { ...request, runId: shell(playground, "").runId });
    expect(again.lines).toContain("before x");
    expect(first.measures).toMatchObject({
      "namespace.pid": "on",
      "namespace.mount": "on",
      "namespace.ipc": "on",
      "namespace.uts": "on",
      "namespace.cgroup": "on",
      "namespace.user": "on",
      "root.read-only": "on",
      seccomp: "on",
      capabilities: "on",
    });
  });

  test("its environment is what the platform and the spec name, nothing of ours", async () => {
    process.env["OF_THE_DAEMON"] = "secret";
    const { lines } = await runToEnd(driver, command(playground, ["env"], { env: { MINE: "1" } }));
    delete process.env["OF_THE_DAEMON"];
    const names = lines.map((text) => text.split("=")[0]).toSorted();
    expect(names).toEqual(
      [
        "CONSTELLATION_APP",
        "CONSTELLATION_INSTANCE",
        "CONSTELLATION_METRICS",
        "CONSTELLATION_REVISION",
        "DATA_DIR",
        "HOME",
        "HOSTNAME",
        "LANG",
        "MINE",
        "PATH",
        "PLAYGROUND",
        "TMPDIR",
      ].toSorted(),
    );
  });
});

test("the app's folder is the working folder, readable and not writable; mounts are what they say", async () => {
  const folder = join(playground.root, "app");
  const shared = join(playground.root, "shared");
  mkdirSync(folder);
  mkdirSync(shared, { mode: 0o777 });
  writeFileSync(join(folder, "hello.txt"), "hello");
  const { lines } = await runToEnd(
    driver,
    shell(
      playground,
      "pwd; cat hello.txt; echo; touch x 2>/dev/null || echo refused; ls -d /shared; touch /shared/x 2>/dev/null || echo refused",
      {
        folder,
        mounts: [{ source: shared, target: "/shared" }],
      },
    ),
  );
  expect(lines).toEqual([folder, "hello", "refused", "/shared", "refused"]);
});

test("isolation false switches everything off and says so", async () => {
  const { lines, measures } = await runToEnd(driver, shell(playground, "hostname; pwd", { isolation: false }));
  expect(lines[0]).not.toBe("x-1");
  expect(measures).toMatchObject({
    "namespace.pid": "off",
    "namespace.mount": "off",
    seccomp: "off",
    "namespace.user": "off",
  });
});

test.each(["pid", "mount", "ipc", "uts", "cgroup", "user", "seccomp", "readOnlyRoot"] as const)(
  "without %s everything else still works",
  async (part) => {
    const { exit, lines } = await runToEnd(driver, shell(playground, "echo works", { isolation: { [part]: false } }));
    expect(lines).toEqual(["works"]);
    expect(exit.kind).toBe("completed");
  },
);

test.for(["private", "none", "host"] as const)("network %s works", async (network, { skip }) => {
  skip(network === "private" && !asRoot, "a network of its own needs root");
  const { exit, measures } = await runToEnd(driver, shell(playground, "cat /proc/net/dev", { isolation: { network } }));
  expect(exit.kind).toBe("completed");
  expect(measures["namespace.network"]).toMatch({ host: /^off$/, none: /^on$/, private: /^(on|partial)$/ }[network]);
});

test("what is asked for and cannot be is refused", async () => {
  const error = await refusal(driver, shell(playground, "true", { mounts: [{ source: "/no/such", target: "/x" }] }));
  expect(error.message).toContain("/no/such does not exist");
  expect(await refusal(driver, shell(playground, "true", { folder: "/no/such/folder" }))).toMatchObject({
    code: "instance.start-failed",
  });
});

describe("the end of a tree", () => {
  const flight =
    "setsid sh -c 'sleep 1000000 & sleep 1000000' & (setsid sleep 1000000 &) ; nohup sleep 1000000 & trap '' TERM; echo ready; sleep 1000000; sleep 1000000";
  test.for([
    ["with process numbers of its own", {}],
    ["without", { isolation: { pid: false } }],
    ["without any isolation", { isolation: false }],
  ] as const)("doubly forked and setsid children die with it %s", async ([, spec], { skip }) => {
    skip("isolation" in spec && !limitsHere, "needs a control group");
    const handle = await driver.start(shell(playground, flight, spec), { signal: new AbortController().signal });
    for await (const { text } of handle.logs({ from: "beginning", signal: new AbortController().signal }))
      if (text === "ready") break;
    expect(await handle.stop("SIGTERM", 50)).toMatchObject({ kind: "killed" });
    handle.detach();
    await driver.release(handle.facts.runId);
    expect(await playground.leftovers()).toEqual([]);
  });

  test.runIf(limitsHere)("children that outlive the main process die when it ends by itself", async () => {
    const { exit } = await runToEnd(
      driver,
      shell(playground, "(setsid sleep 1000000 &) ; exit 7", { isolation: { pid: false } }),
    );
    expect(exit).toMatchObject({ kind: "error", code: 7 });
    expect(await playground.leftovers()).toEqual([]);
  });
});
