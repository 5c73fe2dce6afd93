import { existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { openCgroup } from "@constellation/host";
import type { ProcessDriver } from "@constellation/instances";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readRunRecord } from "../../src/process/run-record.ts";
import { asRoot } from "../launch/world.ts";
import { limitsHere } from "../limits-here.ts";
import { Playground } from "./playground.ts";
import { boundOf, end, line, refusal, runToEnd, shell } from "./runs.ts";

let playground: Playground;
let driver: ProcessDriver;
const { signal } = new AbortController();
beforeAll(async () => {
  playground = new Playground();
  driver = await playground.open();
});
afterAll(async () => {
  expect(await playground.leftovers()).toEqual([]);
  await playground.close();
});

test.runIf(limitsHere)("a fork bomb meets its pids limit and the machine does not", async () => {
  const bomb = shell(
    playground,
    "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do sleep 1000000 & done; echo survived",
    {
      resources: { pids: 8 },
    },
  );
  const { lines, details, measures } = await runToEnd(driver, bomb);
  expect(lines.join("\n")).toMatch(/fork|temporarily unavailable/);
  expect(lines).not.toContain("survived");
  expect(measures["limit.pids"]).toBe("on");
  expect(details["limit.pids"]).toBe("8 processes and threads");
});

test.runIf(limitsHere)("who names no bound on processes gets one, unless unlimited ones are asked for", async () => {
  const bounded = await driver.start(shell(playground, "echo on; sleep 1000"), { signal });
  const unlimited = await driver.start(shell(playground, "echo on; sleep 1000", { resources: { pids: "unlimited" } }), {
    signal,
  });
  expect(boundOf(playground, bounded)).toBe("4096");
  expect(bounded.facts.measures).toContainEqual({
    name: "limit.pids",
    state: "on",
    detail: "4096 processes and threads, by default",
  });
  expect(boundOf(playground, unlimited)).toBe("max");
  expect(unlimited.facts.measures.map(({ name }) => name)).not.toContain("limit.pids");
  const { resources } = shell(playground, "", { resources: { pids: 20 } });
  expect(await bounded.limit(resources)).toBe(true);
  expect(boundOf(playground, bounded)).toBe("20");
  await end(driver, bounded);
  await end(driver, unlimited);
});

test.runIf(limitsHere)("memory: the whole tree counts, and an end by the kernel says with which peak", async () => {
  const { exit } = await runToEnd(
    driver,
    shell(playground, "head -c 40m /dev/zero | tail -c 40m >/dev/null & tail /dev/zero", {
      resources: { memory: "30MB" },
    }),
  );
  expect(exit.reason).toContain("30 MB");
});

test.runIf(limitsHere)("a CPU quota throttles", async () => {
  const handle = await driver.start(
    shell(playground, "echo on; while :; do :; done", { resources: { cpu: 0.1, cpuWeight: 50 } }),
    {
      signal,
    },
  );
  await line(handle, /on/);
  const record = readRunRecord(join(playground.runtime, "runs", handle.facts.runId));
  if (record?.cgroup == null) throw new Error("the run has no control group");
  const cgroup = openCgroup(record.cgroup);
  while ((cgroup?.counters().cpuThrottledPeriods ?? 0) < 3) await new Promise((resolve) => setTimeout(resolve, 20));
  cgroup?.close();
  expect(handle.facts.measures).toContainEqual({ name: "limit.cpu", state: "on", detail: "0.1 cores" });
  expect(handle.facts.measures).toContainEqual({ name: "limit.cpu-weight", state: "on", detail: "weight 50" });
  await end(driver, handle);
});

test("open files are limited per process; more than the daemon may have is refused, or reported with bestEffort", async () => {
  const { lines } = await runToEnd(driver, shell(playground, "ulimit -n", { resources: { openFiles: 100 } }));
  expect(lines).toEqual(["100"]);
  const hard = Number(/Max open files\s+\S+\s+(\d+)/.exec(readFileSync("/proc/self/limits", "utf8"))?.[1]);
  const error = await refusal(driver, shell(playground, "true", { resources: { openFiles: hard + 1 } }));
  expect(error.code).toBe("limit.unenforceable");
  expect(error.message).toContain(`open-files limit of ${hard + 1} cannot be enforced here`);
  const { measures } = await runToEnd(
    driver,
    shell(playground, "true", { resources: { openFiles: hard + 1, bestEffort: true } }),
  );
  expect(measures["limit.open-files"]).toBe("missing");
});

test.runIf(limitsHere)("the smallest memory limit that a spec may have is enough for a small program", async () => {
  const small = shell(playground, "echo works", { resources: { memory: "1MB" } });
  for (let time = 0; time < 5; time += 1) expect((await runToEnd(driver, small)).exit.kind).toBe("completed");
});

test("a command that is not there is what cannot be executed; the instance has started long ago", async () => {
  const handle = await driver.start(shell(playground, "echo up; sleep 1000"), { signal });
  await line(handle, /up/);
  const session = handle.exec({ argv: ["no-such-program"], tty: false, columns: 80, rows: 24 }, { signal });
  const [outcome] = await Promise.allSettled([session]);
  await end(driver, handle);
  const message = /^Cannot execute "no-such-program" in suite\.\d+: ENOENT \(.*\); check the command/;
  expect(outcome).toMatchObject({
    status: "rejected",
    reason: { code: "exec.failed", message: expect.stringMatching(message) },
  });
});

test("bandwidth needs a network of its own: with isolation.network host it is refused", async () => {
  const spec = { resources: { network: "10Mbit" }, isolation: { network: "host" } } as const;
  expect(await refusal(driver, shell(playground, "true", spec))).toMatchObject({ code: "limit.unenforceable" });
});

test.runIf(asRoot)("a limited network has an address of its own and both rates", async () => {
  const { lines, details, measures } = await runToEnd(
    driver,
    shell(playground, "cat /proc/net/dev; cat /proc/net/fib_trie", {
      resources: { network: { in: "20Mbit", out: "10Mbit" } },
    }),
  );
  expect(lines.join("\n")).toContain("eth0");
  expect(measures).toMatchObject({
    "limit.network-in": "on",
    "limit.network-out": "on",
    "namespace.network": expect.stringMatching(/^(on|partial)$/),
  });
  expect(details["limit.network-in"]).toBe("20 Mbit/s");
  expect(lines.join("\n")).toMatch(/10\.203\.\d+\.\d+/);
});

test.runIf(asRoot)("a bandwidth beyond what the kernel counts in 32 bits is a limit, too", async () => {
  const limited = (network: string) => runToEnd(driver, shell(playground, "true", { resources: { network } }));
  for (const rate of ["700Gbit", "9000000Gbit"]) {
    const { exit, measures } = await limited(rate);
    expect(exit.kind).toBe("completed");
    expect(measures).toMatchObject({ "limit.network-in": "on", "limit.network-out": "on" });
  }
});

test("disk I/O rates are taken by the kernel or refused with what is missing", async () => {
  const request = shell(playground, "true", { resources: { io: { write: "20MB/s" } } });
  const outcome: unknown = await runToEnd(driver, request).catch((error: unknown) => error);
  if (outcome instanceof Error) expect(outcome).toMatchObject({ code: "limit.unenforceable" });
  else expect(outcome).toMatchObject({ measures: { "limit.io": "on" } });
});

test.runIf(asRoot)(
  "a data folder with a size takes no more than that, keeps its files over restarts, and can grow",
  async () => {
    const first = shell(
      playground,
      "echo kept > $DATA_DIR/kept; head -c 30m /dev/zero > $DATA_DIR/big; wc -c < $DATA_DIR/big",
      {
        resources: { disk: "20MB" },
      },
    );
    const { lines, measures } = await runToEnd(driver, first);
    expect(measures["limit.disk"]).toBe("on");
    expect(Number(lines.find((text) => /^\d+$/.test(text)))).toBeLessThan(20_000_000);
    expect(lines.join("\n")).toContain("No space left on device");
    const again = shell(playground, "cat $DATA_DIR/kept; df -P $DATA_DIR | tail -1", { resources: { disk: "40MB" } });
    const grown = await runToEnd(driver, { ...again, app: first.app, index: first.index });
    expect(grown.lines[0]).toBe("kept");
    expect(Number(grown.lines[1]?.split(/\s+/)[1])).toBeGreaterThan(25_000);
    // A daemon that died over it left the size of the file, and the file system as it was.
    const image = join(playground.state, "data", `${first.app}.${first.index}.img`);
    truncateSync(image, 60_000_000);
    writeFileSync(`${image}.growing`, "");
    const last = shell(playground, "cat $DATA_DIR/kept; df -P $DATA_DIR | tail -1", { resources: { disk: "60MB" } });
    const finished = await runToEnd(driver, { ...last, app: first.app, index: first.index });
    expect(finished.lines[0]).toBe("kept");
    expect(Number(finished.lines[1]?.split(/\s+/)[1])).toBeGreaterThan(45_000);
    expect(existsSync(`${image}.growing`)).toBe(false);
    const shrunk = shell(playground, "true", { resources: { disk: "20MB" } });
    const error = await refusal(driver, { ...shrunk, app: first.app, index: first.index });
    expect(error.message).toContain("cannot shrink");
  },
);

test("processes that are each the child of another take no longer to list than others", async () => {
  const reads = (): number => Number(/^syscr: (\d+)$/m.exec(readFileSync("/proc/self/io", "latin1"))?.[1]);
  const depth = 100;
  const chain = `f() { if [ "$1" -gt 0 ]; then (f $(($1 - 1))) & wait; else echo deep; sleep 1000; fi; }; f ${depth}`;
  const handle = await driver.start(shell(playground, chain), { signal });
  await line(handle, /^deep$/);
  const before = reads();
  const { processes } = await handle.inspect();
  expect((reads() - before) / depth).toBeLessThan(30);
  expect(processes.length).toBeGreaterThan(depth);
  await end(driver, handle);
});
