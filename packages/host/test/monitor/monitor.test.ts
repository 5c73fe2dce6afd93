import fc from "fast-check";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import {
  createCgroup,
  identifyProcess,
  openCgroupBase,
  openMonitor,
  ProcessReader,
  removeCgroupBase,
  Sampler,
  type Sample,
} from "../../src/index.ts";
import { parseIo, parseNetwork, scanStat } from "../../src/monitor/hot-tables.ts";
import { Parsed } from "../../src/proc/parsed.ts";
import { macosMonitor } from "../../src/monitor/macos-monitor.ts";
import { parseNetworkDevices, parseProcessIo } from "../../src/proc/tables.ts";
import { parseProcessStat } from "../../src/proc/stat.ts";
import { readPsRow } from "../../src/proc/ps-table.ts";
import { canMakeCgroups } from "../cgroups-here.ts";
import { endChild, firstOutput, startChild } from "../children.ts";

function identityOf(pid: number) {
  const identity = identifyProcess(pid);
  if (identity === undefined) throw new Error(`no process ${pid}`);
  return identity;
}

/** Descriptors of this process on files of other processes and of control groups. */
function openKernelFiles(): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return /^\/(proc\/\d|sys\/fs\/cgroup)/.test(readlinkSync(`/proc/self/fd/${fd}`));
    } catch {
      return false;
    }
  }).length;
}

test.each(["win32", "freebsd", "aix"] as const)("%s is refused by name", (platform) => {
  expect(() => openMonitor(platform)).toThrow(
    expect.objectContaining({ code: "platform-unsupported", message: expect.stringContaining(platform) }),
  );
});

describe("scanners of hot tables", () => {
  const word = fc.integer({ min: 0, max: 2 ** 40 });
  test("stat: the same numbers as the parser", () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[ -~]{0,15}$/),
        fc.array(word, { minLength: 49, maxLength: 49 }),
        (command, numbers) => {
          const line = `77 (${command}) S ${numbers.join(" ")}\n`;
          const parsed = parseProcessStat(line);
          const hot = { cpuTicks: 0, childrenCpuTicks: 0, threads: 0, rssPages: 0 };
          expect(scanStat(line, hot)).toBe(true);
          expect(hot).toEqual({
            cpuTicks: parsed.userTicks + parsed.systemTicks,
            childrenCpuTicks: parsed.childrenUserTicks + parsed.childrenSystemTicks,
            threads: parsed.threads,
            rssPages: parsed.rssPages,
          });
        },
      ),
    );
  });

  test("net/dev: the same sums as the parser, loopback left out", () => {
    const row = fc.tuple(
      fc.stringMatching(/^[a-z][a-z0-9@.]{0,12}$/),
      fc.array(word, { minLength: 16, maxLength: 16 }),
    );
    fc.assert(
      fc.property(fc.array(row, { maxLength: 6 }), (rows) => {
        const text = `Inter-|   Receive\n face |bytes\n${rows.map(([name, numbers]) => `${name.padStart(6)}: ${numbers.join("   ")}`).join("\n")}\n`;
        const others = parseNetworkDevices(text).filter((each) => each.name !== "lo");
        expect(parseNetwork(text)).toEqual({
          receivedBytes: others.reduce((sum, each) => sum + each.receivedBytes, 0),
          sentBytes: others.reduce((sum, each) => sum + each.sentBytes, 0),
        });
      }),
    );
  });

  test("io: the same numbers as the parser", () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 7, maxLength: 7 }), (numbers) => {
        const names = ["rchar", "wchar", "syscr", "syscw", "read_bytes", "write_bytes", "cancelled_write_bytes"];
        const text = `${names.map((name, index) => `${name}: ${numbers[index]}`).join("\n")}\n`;
        const parsed = parseProcessIo(text);
        expect(parseIo(text)).toEqual({ readBytes: parsed.storageReadBytes, writeBytes: parsed.storageWriteBytes });
      }),
    );
  });

  test("what was parsed counts as long as the text stays the same, and no longer", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("", "1", "12", "2"), { maxLength: 20 }), (texts) => {
        let parsings = 0;
        const parsed = new Parsed((text) => {
          parsings += 1;
          return [text];
        });
        for (const text of texts) expect(parsed.from(text)).toEqual([text]);
        expect(parsings).toBe(texts.filter((text, at) => at === 0 || text !== texts[at - 1]).length);
      }),
    );
  });

  test("arbitrary bytes end and give no NaN", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const hot = { cpuTicks: 0, childrenCpuTicks: 0, threads: 0, rssPages: 0 };
        const text = Buffer.from(bytes).toString("latin1");
        scanStat(text, hot);
        for (const numbers of [hot, parseIo(text), parseNetwork(text)])
          for (const value of Object.values(numbers)) expect(value).not.toBeNaN();
      }),
    );
  });
});

describe.runIf(process.platform === "linux")("watching on Linux", () => {
  test("a sample tells what the process uses, and nothing after it ended", async () => {
    const child = startChild(process.execPath, [
      "-e",
      "console.log('up'); setInterval(() => { for (let i = 0; i < 1e6; i++); }, 1)",
    ]);
    await firstOutput(child);
    const watch = openMonitor().watch({ process: identityOf(child.pid) });
    const first = watch.sample();
    const reader = ProcessReader.open(child.pid);
    expect(first).toMatchObject({ cpuSource: "process", fds: reader.fdCount() });
    expect(first?.cpuPercent).toBeUndefined();
    expect(first?.memoryRssBytes).toBeGreaterThan(10 * 1024 * 1024);
    expect(first?.threads).toBeGreaterThan(1);
    reader.close();
    for (let round = 0; round < 200 && (watch.sample()?.cpuTimeUs ?? 0) === first?.cpuTimeUs; round++) await sleep(10);
    const later = watch.sample();
    expect(later?.cpuTimeUs).toBeGreaterThan(first?.cpuTimeUs ?? Number.NaN);
    expect(later?.cpuPercent).toBeGreaterThanOrEqual(0);
    expect(watch.tree()?.stat.pid).toBe(child.pid);
    await endChild(child);
    expect(watch.sample()).toBeUndefined();
    expect(watch.tree()).toBeUndefined();
    watch.close();
    watch.close();
  });

  test("another process that has the pid is not watched", () => {
    const child = startChild("sleep", ["60"]);
    const { pid, startTicks } = identityOf(child.pid);
    const before = openKernelFiles();
    expect(() => openMonitor().watch({ process: { pid, startTicks: startTicks + 1 } })).toThrow(
      expect.objectContaining({ code: "process-gone" }),
    );
    expect(openKernelFiles()).toBe(before);
  });

  test.runIf(process.getuid?.() === 0)("network counts only in a namespace of the instance's own", async () => {
    const script = "ip link set lo up; echo up; exec sleep 60";
    const alone = startChild("unshare", ["--net", "sh", "-c", script], { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" });
    await firstOutput(alone);
    const shared = startChild("sleep", ["60"]);
    const apart = openMonitor().watch({ process: identityOf(alone.pid) });
    const together = openMonitor().watch({ process: identityOf(shared.pid) });
    expect(apart.sample()).toMatchObject({ networkReceivedBytes: 0, networkSentBytes: 0 });
    expect(together.sample()?.networkReceivedBytes).toBeUndefined();
    apart.close();
    together.close();
  });

  test.runIf(process.getuid?.() === 0)("a data folder tells its use when it is a filesystem of its own", () => {
    const folder = mkdtempSync(join(tmpdir(), "host-data-"));
    const child = startChild("sleep", ["60"]);
    const target = { process: identityOf(child.pid), dataPath: folder };
    const shared = openMonitor().watch(target);
    expect(shared.sample()?.dataTotalBytes).toBeUndefined();
    shared.close();
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "none", folder]);
    try {
      writeFileSync(join(folder, "file"), Buffer.alloc(1024 * 1024));
      const own = openMonitor().watch(target);
      const sample = own.sample();
      own.close();
      expect(sample?.dataTotalBytes).toBe(4 * 1024 * 1024);
      expect(sample?.dataUsedBytes).toBe(1024 * 1024);
    } finally {
      execFileSync("umount", [folder]);
      rmSync(folder, { recursive: true });
    }
  });

  test.runIf(canMakeCgroups())(
    "in a control group threads are those of the main process, and its end is seen",
    async () => {
      const base = openCgroupBase({ name: `host-threads-${process.pid}` });
      if (base.kind !== "ready") throw new Error(base.missing);
      const created = createCgroup(base.base, "m1", {});
      if (created.kind !== "created") throw new Error(JSON.stringify(created));
      const { cgroup } = created;
      const child = startChild(process.execPath, ["-e", 'console.log("up"); setInterval(() => {}, 1000)']);
      await firstOutput(child);
      const watch = openMonitor().watch({ process: identityOf(child.pid), cgroup });
      const threads = readdirSync(`/proc/${child.pid}/task`).length;
      expect(threads).toBeGreaterThan(1);
      expect(watch.sample()).toMatchObject({ cpuSource: "cgroup", threads });
      await endChild(child);
      expect(watch.sample()).toBeUndefined();
      expect(watch.sampleInTurn()).toBeUndefined();
      watch.close();
      expect(await cgroup.remove()).toEqual({ kind: "removed" });
      expect(removeCgroupBase(base.base)).toBe(true);
    },
  );

  test.runIf(canMakeCgroups())("with a control group CPU, memory and tasks count the whole tree", async () => {
    const base = openCgroupBase({ name: `host-monitor-${process.pid}` });
    if (base.kind !== "ready") throw new Error(base.missing);
    const created = createCgroup(base.base, "m1", { pidsMax: 20 });
    if (created.kind !== "created") throw new Error(JSON.stringify(created));
    const { cgroup } = created;
    const joins = cgroup.joinTargets.map(
      (each) => `echo 0 > ${each.path}${each.kind === "tasks" ? "" : "/cgroup.procs"}`,
    );
    const child = startChild("sh", ["-c", `${joins.join("\n")}\nsleep 60 & sleep 60 & echo up; wait`]);
    await firstOutput(child);
    const watch = openMonitor().watch({ process: identityOf(child.pid), cgroup });
    const sample = watch.sample();
    expect(sample).toMatchObject({ cpuSource: "cgroup", tasks: 3, oomKills: 0 });
    expect(sample?.memoryCurrentBytes).toBeGreaterThan(0);
    const inTurns = Array.from({ length: 8 }, () => watch.sampleInTurn());
    const told = (each: Sample | undefined) =>
      Object.entries(each ?? {}).flatMap(([name, value]) => (value === undefined ? [] : [name]));
    for (const each of inTurns) expect(told(each)).toEqual(expect.arrayContaining(told(sample)));
    expect(inTurns.at(-1)).toMatchObject({ tasks: 3, threads: 1, fds: sample?.fds });
    watch.close();
    expect((await cgroup.kill()).kind).toBe("empty");
    await endChild(child);
    expect(await cgroup.remove()).toEqual({ kind: "removed" });
    expect(removeCgroupBase(base.base)).toBe(true);
  });
});

describe.runIf(process.platform === "linux")("the sampler", () => {
  test("samples every instance each period and tells which are gone", async () => {
    const children = Array.from({ length: 5 }, () => startChild("sleep", ["60"]));
    const seen = new Map<string, Sample[]>();
    const gone: string[] = [];
    const sampler = new Sampler(openMonitor(), {
      periodMs: 20,
      onSample: (id, sample) => seen.set(id, [...(seen.get(id) ?? []), sample]),
      onGone: (id) => gone.push(id),
    });
    const before = openKernelFiles();
    for (const [index, child] of children.entries()) sampler.add(`i${index}`, { process: identityOf(child.pid) });
    for (let round = 0; round < 500 && [...seen.values()].filter((each) => each.length >= 3).length < 5; round++)
      await sleep(10);
    expect([...seen.keys()].sort()).toEqual(["i0", "i1", "i2", "i3", "i4"]);
    for (const samples of seen.values())
      expect(samples.map((each) => each.atMs)).toEqual(samples.map((each) => each.atMs).toSorted((a, b) => a - b));
    const [first] = children;
    if (first !== undefined) await endChild(first);
    for (let round = 0; round < 500 && gone.length === 0; round++) await sleep(10);
    expect(gone).toEqual(["i0"]);
    expect(sampler.state).toMatchObject({ instances: 4, failures: 0 });
    sampler.close();
    expect(openKernelFiles()).toBe(before);
    const { samples } = sampler.state;
    await sleep(60);
    expect(sampler.state.samples).toBe(samples);
  });

  test("the period grows when the share of a core would be passed, and long rounds are sliced", async () => {
    const own = openMonitor().watch({ process: identityOf(process.pid) });
    const empty = own.sample();
    own.close();
    if (empty === undefined) throw new Error("this process has ended");
    const costly = {
      platform: "linux" as const,
      watch: (target: { process: { pid: number; startTicks: number } }) => ({
        target,
        sample(): Sample {
          const endsAt = performance.now() + 0.5;
          while (performance.now() < endsAt);
          return { ...empty, atMs: performance.now() };
        },
        sampleInTurn(): Sample {
          return this.sample();
        },
        sampleUsage(): Sample {
          return this.sample();
        },
        tree: () => undefined,
        close() {},
      }),
    };
    const sampler = new Sampler(costly, { periodMs: 50, sliceMs: 2, cpuShare: 0.1, onSample() {}, onGone() {} });
    for (let index = 0; index < 40; index++) sampler.add(String(index), { process: { pid: 2, startTicks: 0 } });
    for (let round = 0; round < 500 && sampler.state.samples < 80; round++) await sleep(10);
    const { periodMs, slicesPerPeriod, usPerInstance } = sampler.state;
    expect(usPerInstance).toBeGreaterThan(100);
    expect(periodMs).toBeGreaterThanOrEqual((40 * usPerInstance) / 1000 / 0.1 - 1e-6);
    expect(slicesPerPeriod).toBeGreaterThan(1);
    sampler.close();
  });
});

describe.runIf(process.platform === "linux" || process.platform === "darwin")("watching by ps", () => {
  test("CPU and memory of the tree, gone when it ended", async () => {
    const child = startChild("sh", ["-c", "sleep 60 & echo up; wait"]);
    await firstOutput(child);
    const row = readPsRow(child.pid);
    if (row === undefined) throw new Error("ps does not list the child");
    const monitor = macosMonitor();
    const watch = monitor.watch({ process: { pid: child.pid, startTicks: row.startedAtSeconds } });
    expect(watch.sample()).toMatchObject({ cpuSource: "process", tasks: 2 });
    expect(watch.sample()?.memoryRssBytes).toBeGreaterThan(100_000);
    expect(watch.tree()?.children).toHaveLength(1);
    expect(() => monitor.watch({ process: { pid: child.pid, startTicks: row.startedAtSeconds - 100 } })).toThrow(
      expect.objectContaining({ code: "process-gone" }),
    );
    for (const each of watch.tree()?.children ?? []) process.kill(each.stat.pid, "SIGKILL");
    await endChild(child);
    expect(() => monitor.watch({ process: { pid: child.pid, startTicks: row.startedAtSeconds } })).toThrow(
      expect.objectContaining({ code: "process-gone" }),
    );
    expect(watch.sample()).toBeUndefined();
  });
});
