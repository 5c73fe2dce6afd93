import fc from "fast-check";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
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
    onTestFinished(async () => {
      expect((await cgroup.kill()).kind).toBe("empty");
      await endChild(child);
      expect(await cgroup.remove()).toEqual({ kind: "removed" });
      expect(removeCgroupBase(base.base)).toBe(true);
    });
    const joins = cgroup.joinTargets.map(
      (each) => `echo 0 > ${each.path}${each.kind === "tasks" ? "" : "/cgroup.procs"}`,
    );
    // At a signal it opens one more file and starts one more process.
    const script = `${joins.join("\n")}\ntrap 'exec 9</dev/null; sleep 60 & echo ran' USR1; sleep 60 & echo up; while :; do wait; done`;
    const child = startChild("sh", ["-c", script]);
    await firstOutput(child);
    const process_ = identifyProcess(child.pid);
    if (process_ === undefined) throw new Error("the child has ended");
    const { gauge, reads, seen } = counting(cgroup.gauge);
    const watch = openMonitor().watch({ process: process_, cgroup: { gauge } });
    onTestFinished(() => watch.close());
    const eight = <T>(look: () => T): T[] => Array.from({ length: 8 }, look);

    /** Looks at it while it rests: again when it ran meanwhile, or the kernel took pages from it. */
    const atRest = async <T>(looks: () => T): Promise<{ readonly result: T; readonly read: Reads }> => {
      for (;;) {
        seen.length = 0;
        eight(() => watch.sampleInTurn());
        const before = { ...reads };
        const result = looks();
        if (new Set(seen).size === 1) return { result, read: difference(reads, before) };
        await sleep(5);
      }
    };

    const looks = await atRest(() => [watch.sampleInTurn(), ...eight(() => watch.sampleInTurn())]);
    expect(looks.read).toMatchObject({ tasks: 0, memory: 9, oom: 0 });
    const [first, ...resting] = looks.result;
    const last = resting.at(-1);
    expect(last).toMatchObject({ tasks: 2, threads: 1, cpuPercent: 0 });
    // Two of the eight read the counters, the others tell when that was.
    const readAt = new Set(resting.map((sample) => sample?.countersAtMs));
    expect(resting.filter((sample) => sample?.countersAtMs === sample?.atMs)).toHaveLength(2);
    readAt.delete(first?.countersAtMs);
    expect(readAt.size).toBe(2);

    // A look at what is used takes nobody's turn, and tells the rest as it was.
    const used = await atRest(() => {
      const samples = eight(() => watch.sampleUsage());
      eight(() => watch.sampleInTurn());
      return samples;
    });
    expect(used.read).toEqual({ tasks: 0, memory: 16, io: 2, oom: 8 });
    for (const sample of used.result) expect(sample).toMatchObject({ tasks: 2, threads: 1, oomKills: 0 });
    const [counted, ...more] = new Set(used.result.map((sample) => sample?.countersAtMs));
    expect(more).toEqual([]);
    expect(counted).toBeLessThan(used.result[0]?.atMs ?? Number.NaN);

    const ran = firstOutput(child);
    child.kill("SIGUSR1");
    await ran;
    // The kernel adds up CPU time when a process leaves the processor.
    while (watch.sampleInTurn()?.cpuTimeUs === last?.cpuTimeUs) await sleep(1);
    const after = eight(() => watch.sampleInTurn());
    expect(after.at(3)).toMatchObject({ tasks: 3 });
    expect(after.at(-1)).toMatchObject({ tasks: 3, fds: (last?.fds ?? Number.NaN) + 1 });
  });
});

type Reads = Record<"tasks" | "memory" | "io" | "oom", number>;

const difference = (now: Reads, before: Reads): Reads => ({
  tasks: now.tasks - before.tasks,
  memory: now.memory - before.memory,
  io: now.io - before.io,
  oom: now.oom - before.oom,
});

/** A gauge that counts what is read of it, and keeps what each look saw of CPU time and memory in use. */
function counting(of: CgroupGauge) {
  const reads: Reads = { tasks: 0, memory: 0, io: 0, oom: 0 };
  const seen: string[] = [];
  let cpuTimeUs: number | undefined;
  const gauge: CgroupGauge = {
    cpuTimeUs: () => (cpuTimeUs = of.cpuTimeUs()),
    memoryCurrentBytes: () => {
      reads.memory++;
      const bytes = of.memoryCurrentBytes();
      seen.push(`${cpuTimeUs} ${bytes}`);
      return bytes;
    },
    memoryPeakBytes: () => of.memoryPeakBytes(),
    memoryInactiveFileBytes: () => of.memoryInactiveFileBytes(),
    pidsCurrent: () => (reads.tasks++, of.pidsCurrent()),
    oomKills: () => (reads.oom++, of.oomKills()),
    io: () => (reads.io++, of.io()),
  };
  return { gauge, reads, seen };
}
