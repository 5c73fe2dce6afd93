import { existsSync, readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  createCgroup,
  listCgroups,
  openCgroup,
  openCgroupBase,
  removeCgroupBase,
  type Cgroup,
  type CgroupBase,
  type CgroupLimits,
} from "../../src/index.ts";
import { canMakeCgroups } from "../cgroups-here.ts";
import { firstOutput, startChild } from "../children.ts";

const name = `host-test-${process.pid}`;

describe.runIf(canMakeCgroups())("control groups of this machine", () => {
  let base: CgroupBase;
  const made: Cgroup[] = [];

  beforeAll(() => {
    const outcome = openCgroupBase({ name });
    if (outcome.kind !== "ready") throw new Error(outcome.missing);
    base = outcome.base;
  });
  afterEach(async () => {
    for (const group of made.splice(0)) {
      expect((await group.kill()).kind).toBe("empty");
      expect(await group.remove()).toEqual({ kind: "removed" });
    }
    expect(listCgroups(base)).toEqual([]);
  });
  afterAll(() => {
    expect(removeCgroupBase(base)).toBe(true);
  });

  let serial = 0;
  function create(limits: CgroupLimits = {}): Cgroup {
    const created = createCgroup(base, `t${serial++}`, limits);
    if (created.kind !== "created") throw new Error(JSON.stringify(created));
    made.push(created.cgroup);
    return created.cgroup;
  }

  /** Starts a shell that joins by the group's own targets before it runs the script. */
  function startIn(group: Cgroup, script: string) {
    const joins = group.joinTargets.map((each) =>
      each.kind === "tasks" ? `echo 0 > ${each.path}` : `echo 0 > ${each.path}/cgroup.procs`,
    );
    return startChild("sh", ["-c", `set -e\n${joins.join("\n")}\nset +e\n${script}`]);
  }

  test("a base that somebody removed while it was empty is made again", async () => {
    expect(removeCgroupBase(base)).toBe(true);
    const group = create({ pidsMax: 5 });
    const child = startIn(group, "echo up; exec sleep 60");
    await firstOutput(child);
    expect(group.processes()).toEqual([child.pid]);
  });

  test("a process that joined is counted and listed", async () => {
    const group = create();
    const child = startIn(group, "echo up; exec sleep 60");
    await firstOutput(child);
    expect(group.processes()).toEqual([child.pid]);
    expect(group.isPopulated()).toBe(true);
    const counters = group.counters();
    expect(counters.pidsCurrent).toBe(1);
    expect(counters.cpuTimeUs).toBeGreaterThan(0);
    expect(counters.memoryPeakBytes).toBeGreaterThanOrEqual(counters.memoryCurrentBytes ?? Number.NaN);
    expect(group.gauge.cpuTimeUs()).toBeGreaterThan(0);
    expect(group.gauge.oomKills()).toBe(0);
  });

  test("memory: the kernel kills at the bound and counts it", async () => {
    const group = create({ memoryBytes: 24 * 1024 * 1024 });
    const child = startIn(group, `exec ${process.execPath} -e 'Buffer.alloc(256 * 1024 * 1024, 1)'`);
    const [, signal] = (await once(child, "exit")) as [number | null, string | null];
    expect(signal).toBe("SIGKILL");
    const events = group.events();
    expect(events.oomKills).toBe(1);
    expect(events.memoryPeakBytes).toBeGreaterThan(16 * 1024 * 1024);
    expect(events.memoryPeakBytes).toBeLessThanOrEqual(24 * 1024 * 1024);
  });

  test("pids: forks beyond the bound fail and are counted", async () => {
    const group = create({ pidsMax: 3 });
    const child = startIn(group, "(sleep 60 & sleep 60 & sleep 60 & sleep 60 & wait) 2>&1; echo done; exec sleep 60");
    await firstOutput(child);
    expect(group.events().pidsMaxHits).toBeGreaterThan(0);
    expect(group.counters().pidsCurrent).toBeLessThanOrEqual(3);
  });

  test("cpu: a busy loop under a quota is throttled, and the quota can be lifted while it runs", async () => {
    const group = create({ cpuCores: 0.1, cpuWeight: 50 });
    const child = startIn(group, "echo up; while :; do :; done");
    await firstOutput(child);
    for (let round = 0; round < 300 && (group.counters().cpuThrottledPeriods ?? 0) < 3; round++) await sleep(20);
    expect(group.counters().cpuThrottledPeriods).toBeGreaterThanOrEqual(3);
    expect(group.counters().cpuThrottledUs).toBeGreaterThan(0);
    expect(group.setLimits({ cpuCores: "max" })).toEqual({ kind: "enforced" });
  });

  test("limits are changed both ways while it runs", () => {
    const group = create({ memoryBytes: 64 * 1024 * 1024, swapBytes: 1024 * 1024 });
    for (const megabytes of [32, 128, 16, 512])
      expect(group.setLimits({ memoryBytes: megabytes * 1024 * 1024 })).toEqual({ kind: "enforced" });
    expect(group.setLimits({ memoryBytes: "max", pidsMax: "max", cpuCores: "max" })).toEqual({ kind: "enforced" });
  });

  test("frozen processes use no CPU until they thaw", async () => {
    const group = create();
    const child = startIn(group, "echo up; while :; do :; done");
    await firstOutput(child);
    await group.freeze();
    const atFreeze = group.gauge.cpuTimeUs();
    await sleep(60);
    expect(group.gauge.cpuTimeUs()).toBe(atFreeze);
    await group.thaw();
    for (let round = 0; round < 200 && group.gauge.cpuTimeUs() === atFreeze; round++) await sleep(10);
    expect(group.gauge.cpuTimeUs()).toBeGreaterThan(atFreeze ?? Number.NaN);
  });

  test("kill ends everything: frozen, stopped, deaf to signals, in sessions of their own, forking", async () => {
    const group = create();
    const script =
      "setsid sh -c \"trap '' TERM INT HUP; while :; do sleep 1; done\" & " +
      "sh -c 'kill -STOP $$' & (setsid sleep 60 &) ; " +
      "(while :; do sleep 0.01 & done) & echo up; wait";
    const child = startIn(group, script);
    await firstOutput(child);
    await sleep(100);
    const before = group.processes();
    expect(before.length).toBeGreaterThan(3);
    await group.freeze();
    expect((await group.kill()).kind).toBe("empty");
    expect(group.processes()).toEqual([]);
    expect(group.isPopulated()).toBe(false);
  });

  test("the group outlives its handle: what another daemon wrote down opens it again", async () => {
    const group = create();
    const child = startIn(group, "echo up; exec sleep 60");
    await firstOutput(child);
    group.close();
    const again = openCgroup(JSON.parse(JSON.stringify(group.location)) as typeof group.location);
    expect(again?.processes()).toEqual([child.pid]);
    expect(listCgroups(base)).toEqual([group.location]);
    again?.close();
  });

  test("a group that is not empty stays, says who is inside, and goes when it is", async () => {
    const group = create();
    const child = startIn(group, "echo up; exec sleep 60");
    await firstOutput(child);
    const busy = await group.remove({ timeoutMs: 50 });
    expect(busy).toMatchObject({ kind: "busy", reason: expect.stringContaining(String(child.pid)) });
    expect((await group.kill()).kind).toBe("empty");
    expect(await group.remove()).toEqual({ kind: "removed" });
    expect(await group.remove()).toEqual({ kind: "removed" });
    expect(openCgroup(group.location)).toBeUndefined();
  });

  test("a process in the group cannot freeze or kill itself with it", async () => {
    const group = create();
    const script = [
      `import { openCgroup } from ${JSON.stringify(new URL("../../dist/index.js", import.meta.url).href)};`,
      `const group = openCgroup(${JSON.stringify(group.location)});`,
      "const refusals = await Promise.allSettled([group.freeze(), group.kill()]);",
      "console.log(JSON.stringify(refusals.map((each) => each.reason?.code)));",
    ].join("\n");
    const child = startIn(group, `exec ${process.execPath} --input-type=module -e '${script}'`);
    expect(JSON.parse(await firstOutput(child))).toEqual(["cgroup-failed", "cgroup-failed"]);
  });

  test("groups made below by what runs inside are removed too", async () => {
    const group = create();
    const directories =
      group.location.version === 1 ? Object.values(group.location.directories) : [group.location.directory];
    const child = startIn(
      group,
      `mkdir -p ${directories.map((each) => `${each}/inner/deep`).join(" ")}; echo up; exec sleep 60`,
    );
    await firstOutput(child);
    expect((await group.kill()).kind).toBe("empty");
    expect(await group.remove()).toEqual({ kind: "removed" });
    for (const directory of directories) expect(existsSync(directory)).toBe(false);
  });

  test("the same name twice is an error and harms the first", () => {
    const group = create({ pidsMax: 9 });
    expect(() => createCgroup(base, group.name)).toThrow(expect.objectContaining({ code: "cgroup-exists" }));
    expect(openCgroup(group.location)?.counters().pidsCurrent).toBe(0);
  });

  test.each(["", "..", "a/b", "../x", ".hidden", "a\nb", "x".repeat(300)])("the name %j is refused", (bad) => {
    expect(() => createCgroup(base, bad)).toThrow(expect.objectContaining({ code: "name-invalid" }));
  });

  test("a limit that cannot be enforced leaves no group behind, unless the best effort was asked for", () => {
    const limits: CgroupLimits = { pidsMax: 5, io: [{ device: "/proc", writeBytesPerSecond: 1000 }] };
    const refused = createCgroup(base, "refused", limits);
    expect(refused).toMatchObject({ kind: "unenforceable", limits: [{ limit: "io" }] });
    expect(listCgroups(base)).toEqual([]);
    const effort = createCgroup(base, "effort", limits, { bestEffort: true });
    expect(effort).toMatchObject({ kind: "created", unenforced: [{ limit: "io" }] });
    if (effort.kind === "created") made.push(effort.cgroup);
  });

  test("200 groups come and go without leaking descriptors", async () => {
    const before = readdirSync("/proc/self/fd").length;
    for (let round = 0; round < 200; round++) {
      const created = createCgroup(base, `churn${round}`, { pidsMax: 5 });
      if (created.kind !== "created") throw new Error(JSON.stringify(created));
      created.cgroup.counters();
      expect(await created.cgroup.remove()).toEqual({ kind: "removed" });
    }
    expect(readdirSync("/proc/self/fd").length).toBe(before);
  });
});
