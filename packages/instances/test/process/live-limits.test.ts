import { existsSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseApp } from "@constellation/contract";
import type { ProcessDriver } from "@constellation/instances";
import { limitsHere } from "../limits-here.ts";
import { Playground } from "./playground.ts";
import { shell } from "./runs.ts";

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

const resources = (given: object) => parseApp({ name: "web", command: ["x"], resources: given }).resources;

test.runIf(limitsHere)("limits change while it runs, and the next daemon knows them", async () => {
  const request = shell(playground, "sleep 1000", { resources: { memory: "64MB", pids: 16 } });
  const handle = await driver.start(request, { signal });
  expect(handle.stats()?.memoryLimitBytes).toBe(64_000_000);
  expect(await handle.limit(resources({ memory: "96MB", cpu: 0.5 }))).toBe(true);
  expect(handle.stats()?.memoryLimitBytes).toBe(96_000_000);
  const limits = handle.facts.measures.filter(({ name }) => name.startsWith("limit."));
  expect(limits.map(({ name, detail }) => `${name} ${detail}`)).toEqual([
    "limit.cpu 0.5 cores",
    "limit.memory 96 MB",
    "limit.pids 4096 processes and threads, by default",
  ]);
  handle.detach();
  const recovery = await driver.recover(request.runId, { signal });
  if (recovery.status !== "running") throw new Error(`it is ${recovery.status}`);
  expect(recovery.handle.stats()?.memoryLimitBytes).toBe(96_000_000);
  expect(recovery.request.resources.cpuCores).toBe(0.5);
  await recovery.handle.kill();
  expect(await recovery.handle.limit(resources({ memory: "1GB" }))).toBe(false);
  await driver.release(request.runId);
});

// Filesystems without a block device (tmpfs, overlay) have the major number 0; asked here apart from the product.
const hasBlockDevice = ((statSync(tmpdir()).dev >> 8) & 0xfff) !== 0;

test.runIf(hasBlockDevice && limitsHere)("rates of the disk change while it runs, and are lifted again", async () => {
  const request = shell(playground, "sleep 1000", { resources: { io: { write: "4MB/s" } } });
  const handle = await driver.start(request, { signal });
  const rates = (): string[] =>
    handle.facts.measures.flatMap(({ name, detail }) => (name === "limit.io" ? [detail] : []));
  expect(rates()).toEqual(["writes of 4 MB per second"]);
  expect(await handle.limit(resources({ io: { write: "2MB/s", readOps: 50 } }))).toBe(true);
  expect(rates()).toEqual(["writes of 2 MB per second, reads of 50 per second"]);
  expect(await handle.limit(resources({}))).toBe(true);
  expect(rates()).toEqual([]);
  await handle.kill();
  handle.detach();
  await driver.release(request.runId);
});

test.runIf(limitsHere)("the new limit is the one that counts", async () => {
  const request = shell(playground, "sleep 0.5; tail /dev/zero", { resources: { memory: "512MB" } });
  const handle = await driver.start(request, { signal });
  expect(await handle.limit(resources({ memory: "20MB" }))).toBe(true);
  const exit = await handle.wait();
  expect(exit.reason).toContain("20 MB");
  await driver.release(request.runId);
});

test.runIf(limitsHere)("of limits of which the kernel refuses one none counts", async () => {
  const script = "x=$(head -c 60000000 /dev/zero | tr '\\0' x); echo full; sleep 1000";
  const request = shell(playground, script, { resources: { memory: "512MB" } });
  const handle = await driver.start(request, { signal });
  for await (const { text } of handle.logs({ from: "beginning", signal })) if (text === "full") break;
  const before = limitFiles(handle.facts.pid);
  const isTaken = await handle.limit(resources({ memory: "20MB", cpu: 0.5, pids: 20 }));
  const after = limitFiles(handle.facts.pid);
  await handle.kill();
  handle.detach();
  await driver.release(request.runId);
  expect(isTaken).toBe(false);
  expect(after).toEqual(before);
  expect(Object.keys(after)).not.toEqual([]);
});

/** What the kernel enforces on a process, on either version of control groups. */
function limitFiles(pid: number): Record<string, string> {
  const found: Record<string, string> = {};
  for (const line of readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().split("\n")) {
    const [, controllers = "", path = ""] = line.split(":");
    for (const file of ["cpu.max", "cpu.cfs_quota_us", "pids.max", "memory.max", "memory.limit_in_bytes"]) {
      const whole = join("/sys/fs/cgroup", controllers, path, file);
      if (existsSync(whole)) found[whole] = readFileSync(whole, "utf8").trim();
    }
  }
  return found;
}
