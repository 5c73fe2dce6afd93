import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { ProcessDriver, StartRequest } from "@constellation/instances";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Playground } from "./playground.ts";
import { boundOf, command, end, runToEnd, shell } from "./runs.ts";
import { plentyOfSlots, startingInSlots } from "./starting-in-slots.ts";

const attacks = fileURLToPath(new URL("fixtures/attacks.py", import.meta.url));
const { signal } = new AbortController();

/** Lines without what is the instance's own: numbers, names, folders and groups. */
const comparable = (lines: readonly string[]): string[] =>
  lines
    .map((line) =>
      line.replaceAll(/\b[78]\d{4}\b|suite[.-]\d+|\/[\w/-]*(?:runs|data)\/[\w.-]+|constellation-test-[\w-]+/g, "…"),
    )
    .sort();

describe.skipIf(process.getuid?.() !== 0)("a start in a slot", () => {
  let playground: Playground;
  let driver: ProcessDriver;
  beforeAll(async () => {
    playground = new Playground("launcher", plentyOfSlots);
    driver = await playground.open();
  });
  afterAll(async () => {
    expect(await playground.leftovers()).toEqual([]);
    await playground.close();
  });

  test.runIf(existsSync("/usr/bin/python3"))("keeps its program in as any other does", async () => {
    const known = {
      pids: [process.pid, process.ppid],
      paths: [playground.root, playground.runtime, playground.state, join(playground.runtime, "spares")],
      sockets: ["/run/docker.sock"],
      abstract: playground.root,
      otherUid: 12_345,
    };
    const mounts = [{ source: attacks, target: "/srv/attacks.py", readOnly: true }];
    const request = command(playground, ["python3", "/srv/attacks.py", JSON.stringify(known)], { mounts });
    const { lines } = await runToEnd(startingInSlots(driver), request);
    const outcomes = JSON.parse(lines[0] ?? "{}") as Record<string, string>;
    expect(Object.keys(outcomes).length).toBeGreaterThan(100);
    expect(Object.entries(outcomes).filter(([, outcome]) => !outcome.startsWith("refused"))).toEqual([]);
  });

  test("looks the same from inside", async () => {
    const look =
      "id; hostname; pwd; cat /proc/self/uid_map /proc/self/setgroups /proc/self/status | grep -vE '^(Pid|Tgid|NSpid|NStgid|Vm|Rss|.*ctxt|Mems|HugetlbPages|SigQ|untag)'; sort /proc/self/mountinfo | cut -d' ' -f4-6; ls -la / /dev /tmp | grep -v ' proc$' | sed 's/..:..//; s/  */ /g'; ulimit -a; cut -d' ' -f18,19,40,41 /proc/self/stat; env | sort";
    const request = (): StartRequest => ({ ...shell(playground, look, { resources: { memory: "64MB", pids: 32 } }) });
    const inSlot = comparable((await runToEnd(startingInSlots(driver), request())).lines);
    const other = new Playground("launcher");
    const alone = comparable((await runToEnd(await other.open(), request())).lines);
    expect(await other.leftovers()).toEqual([]);
    await other.close();
    expect(inSlot.length).toBeGreaterThan(50);
    expect(inSlot).toEqual(alone);
  });

  test("says so, prints both plans, and gets its limits", async () => {
    const request = shell(playground, "sleep 1000000", { resources: { memory: "64MB", cpu: 0.5, pids: 16 } });
    const handle = await startingInSlots(driver).start(request, { signal });
    expect(handle.facts.start).toBe("slot");
    expect(await handle.plan()).toMatch(/launch of a slot[^]*wait for the command[^]*hand over[^]*execute sh -c/);
    expect(handle.stats()?.memoryLimitBytes).toBe(64_000_000);
    const on = handle.facts.measures.filter(({ state }) => state === "on").map(({ name }) => name);
    expect(on).toEqual(expect.arrayContaining(["limit.memory", "limit.cpu", "limit.pids"]));
    await end(driver, handle);
  });

  test("has the bound on processes that its spec asks for, and 4096 when it asks for none", async () => {
    for (const [resources, bound] of [
      [{}, "4096"],
      [{ pids: 9 }, "9"],
      [{ pids: "unlimited" }, "max"],
    ] as const) {
      const handle = await startingInSlots(driver).start(shell(playground, "sleep 1000", { resources }), { signal });
      expect(boundOf(playground, handle)).toBe(bound);
      const measure = handle.facts.measures.find(({ name }) => name === "limit.pids");
      expect(measure?.state).toBe(bound === "max" ? undefined : "on");
      await end(driver, handle);
    }
  });

  test("has room in the smallest memory limit that a spec may have", async () => {
    const small = shell(playground, "echo works", { resources: { memory: "1MB" } });
    for (let time = 0; time < 3; time += 1)
      expect(await runToEnd(startingInSlots(driver), small)).toMatchObject({ start: "slot", lines: ["works"] });
  });

  test("is made cold when somebody has killed what waited", async () => {
    const request = shell(playground, "exit 3");
    driver.expect(request);
    for (let wait = 0; !driver.hasSlotFor(request) && wait < 1000; wait += 1) await sleep(5);
    const spares = join(playground.runtime, "spares");
    for (const id of readdirSync(spares).filter((each) => existsSync(join(spares, each, "pid")))) {
      const pid = Number(/^supervisor (\d+)/.exec(readFileSync(join(spares, id, "pid"), "latin1"))?.[1]);
      process.kill(pid, "SIGKILL");
    }
    for (let wait = 0; driver.hasSlotFor(request) && wait < 100; wait += 1) await sleep(1);
    const { exit } = await runToEnd(driver, request);
    expect(exit).toMatchObject({ kind: "error", code: 3 });
  });
});
