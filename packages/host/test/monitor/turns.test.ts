import fc from "fast-check";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import {
  type CgroupGauge,
  createCgroup,
  identifyProcess,
  openCgroupBase,
  openMonitor,
  removeCgroupBase,
} from "../../src/index.ts";
import { everything, looksAtRest, type Turn, turnOf } from "../../src/monitor/turns.ts";
import { canMakeCgroups } from "../cgroups-here.ts";
import { endChild, firstOutput, startChild } from "../children.ts";

const tables = Object.keys(everything) as (keyof Turn)[];
const readIn = (turns: readonly Turn[]) => tables.filter((table) => turns.some((turn) => turn[table]));

describe("whose turn it is", () => {
  test("while it runs, any eight looks read every table, and any four read I/O, tasks and resident memory", () => {
    fc.assert(
      fc.property(fc.nat(), (first) => {
        const looks = Array.from({ length: 8 }, (_, index) => turnOf(first + index, 0));
        expect(readIn(looks)).toEqual(tables);
        expect(readIn(looks.slice(0, 4))).toEqual(
          expect.arrayContaining(["resident", "tasks", "ownIo", "devices"] satisfies (keyof Turn)[]),
        );
      }),
    );
  });

  test("since something last changed, every table is read, and again within each time of rest", () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat({ max: looksAtRest }), (first, from) => {
        const looks = Array.from({ length: looksAtRest + 8 }, (_, index) => turnOf(first + index, index % looksAtRest));
        expect(readIn(looks.slice(0, 8))).toEqual(tables);
        expect(readIn(looks.slice(8, 16))).toEqual(["devices"]);
        expect(readIn(looks.slice(from, from + looksAtRest + 8))).toEqual(tables);
      }),
    );
  });
});

describe.runIf(canMakeCgroups())("a group at rest", () => {
  test("is not read for what only its running changes, and is once it ran", async () => {
    const base = openCgroupBase({ name: `host-rest-${process.pid}` });
    if (base.kind !== "ready") throw new Error(base.missing);
    const created = createCgroup(base.base, "m1", {});
    if (created.kind !== "created") throw new Error(JSON.stringify(created));
    const { cgroup } = created;
    const joins = cgroup.joinTargets.map(
      (each) => `echo 0 > ${each.path}${each.kind === "tasks" ? "" : "/cgroup.procs"}`,
    );
    // At a signal it opens one more file and starts one more process.
    const script = `${joins.join("\n")}\ntrap 'exec 9</dev/null; sleep 60 & echo ran' USR1; sleep 60 & echo up; while :; do wait; done`;
    const child = startChild("sh", ["-c", script]);
    await firstOutput(child);
    const process_ = identifyProcess(child.pid);
    if (process_ === undefined) throw new Error("the child has ended");
    const reads = { tasks: 0, memory: 0, io: 0, oom: 0 };
    const gauge: CgroupGauge = {
      cpuTimeUs: () => cgroup.gauge.cpuTimeUs(),
      memoryCurrentBytes: () => (reads.memory++, cgroup.gauge.memoryCurrentBytes()),
      memoryPeakBytes: () => cgroup.gauge.memoryPeakBytes(),
      memoryInactiveFileBytes: () => cgroup.gauge.memoryInactiveFileBytes(),
      pidsCurrent: () => (reads.tasks++, cgroup.gauge.pidsCurrent()),
      oomKills: () => (reads.oom++, cgroup.gauge.oomKills()),
      io: () => (reads.io++, cgroup.gauge.io()),
    };
    const watch = openMonitor().watch({ process: process_, cgroup: { gauge } });
    for (let still = 0, last = ""; still < 8;) {
      const { cpuTimeUs, memoryCurrentBytes } = watch.sampleInTurn() ?? {};
      const now = `${cpuTimeUs} ${memoryCurrentBytes}`;
      still = now === last ? still + 1 : 0;
      last = now;
      await sleep(5);
    }
    const counted = watch.sampleInTurn()?.countersAtMs ?? Number.NaN;
    const before = { ...reads };
    const atRest = Array.from({ length: 8 }, () => watch.sampleInTurn());
    expect(reads).toEqual({ ...before, memory: before.memory + 8, io: before.io + 2 });
    const last = atRest.at(-1);
    expect(last).toMatchObject({ tasks: 2, threads: 1, cpuPercent: 0 });
    // Two of the eight read the counters, the others tell when that was.
    const readAt = new Set(atRest.map((sample) => sample?.countersAtMs));
    expect(atRest.filter((sample) => sample?.countersAtMs === sample?.atMs)).toHaveLength(2);
    readAt.delete(counted);
    expect(readAt.size).toBe(2);

    // A look at what is used takes nobody's turn, and tells the rest as it was.
    const [next, again] = [{ ...reads }, Array.from({ length: 8 }, () => watch.sampleUsage())];
    expect(reads).toEqual({ ...next, memory: next.memory + 8, oom: next.oom + 8 });
    expect(again.at(-1)).toMatchObject({ tasks: 2, threads: 1, oomKills: 0, countersAtMs: last?.countersAtMs });
    for (let look = 0; look < 8; look++) watch.sampleInTurn();
    expect(reads).toEqual({ ...next, memory: next.memory + 16, io: next.io + 2, oom: next.oom + 8 });

    const ran = firstOutput(child);
    child.kill("SIGUSR1");
    await ran;
    // The kernel adds up CPU time when a process leaves the processor.
    while (watch.sampleInTurn()?.cpuTimeUs === last?.cpuTimeUs) await sleep(1);
    const after = Array.from({ length: 8 }, () => watch.sampleInTurn());
    expect(after.at(3)).toMatchObject({ tasks: 3 });
    expect(after.at(-1)).toMatchObject({ tasks: 3, fds: (last?.fds ?? Number.NaN) + 1 });
    watch.close();
    expect((await cgroup.kill()).kind).toBe("empty");
    await endChild(child);
    expect(await cgroup.remove()).toEqual({ kind: "removed" });
    expect(removeCgroupBase(base.base)).toBe(true);
  });
});
