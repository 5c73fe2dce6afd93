import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AppInput, parseApp } from "@constellation/contract";
import type { ProcessDriver } from "@constellation/instances";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Abilities } from "../../src/process/abilities.ts";
import { Feasibility } from "../../src/process/feasibility.ts";
import type { Trials } from "../../src/process/trials.ts";
import { readHostFacts } from "../../src/launch/index.ts";
import { Playground } from "./playground.ts";
import { refusal, refusalOf, runToEnd, shell } from "./runs.ts";

const spec = (input: Partial<AppInput>) => parseApp({ name: "web", command: ["true"], ...input });

describe("by a scripted report of what a machine can do", () => {
  let state: string;
  beforeEach(() => {
    state = mkdtempSync(join(tmpdir(), "cst-feasible-"));
    mkdirSync(join(state, "data"));
  });
  afterEach(() => rmSync(state, { recursive: true, force: true }));

  /** A root daemon on a machine that has everything. */
  const everything: Abilities = {
    facts: { ...readHostFacts(), uid: 0, gid: 0, privileged: true, changesUsers: true },
    cgroups: {
      kind: "ready",
      base: { version: 2, directory: "/nowhere", controllers: ["cpu", "memory", "pids", "io"] },
    },
    namespaces: { withUserMissing: null, plainMissing: null },
    wrapper: null,
    wayOut: { kind: "closed", missing: "net.ipv4.ip_forward is 0" },
    openFilesLimit: 20_000,
    landlockVersion: 3,
  };
  const allWork: Trials = {
    group: () => [],
    wire: () => Promise.resolve(null),
    disk: () => Promise.resolve(null),
    reads: () => Promise.resolve(true),
  };
  const checks = (input: Partial<AppInput>, abilities: Partial<Abilities> = {}, trials: Partial<Trials> = {}) => {
    const folders = { runtime: join(state, "run"), state };
    const feasibility = new Feasibility({ ...everything, ...abilities }, folders, { ...allWork, ...trials });
    return refusalOf(feasibility.check(spec(input)));
  };

  const all: AppInput["resources"] = {
    cpu: 0.5,
    cpuWeight: 50,
    memory: "64MB",
    pids: 16,
    openFiles: 100,
    io: { read: "1MB/s" },
    network: "1Mbit",
    disk: "16MB",
  };

  test("a machine that has everything refuses nothing", async () => {
    expect(
      await checks({ resources: all, isolation: { pid: true, seccomp: true, user: true, network: "private" } }),
    ).toBe(null);
  });

  const noCgroups: Abilities["cgroups"] = {
    kind: "unavailable",
    missing: "no cgroup is mounted",
    remedy: "mount cgroup2",
  };
  const rootless = { ...everything.facts, privileged: false, uid: 1000 };
  test.each<[string, AppInput["resources"], Partial<Abilities>, Partial<Trials>, RegExp]>([
    ["cpu", { cpu: 1 }, { cgroups: noCgroups }, {}, /cpu limit of 1 core .*no cgroup is mounted/],
    ["cpu weight", { cpuWeight: 7 }, { cgroups: noCgroups }, {}, /cpu-weight limit of weight 7.*no cgroup/],
    ["memory", { memory: "64MB" }, { cgroups: noCgroups }, {}, /memory limit of 64 MB.*no cgroup/],
    ["pids", { pids: 3 }, { cgroups: noCgroups }, {}, /pids limit of 3 processes.*no cgroup/],
    ["io", { io: { writeOps: 3 } }, { cgroups: noCgroups }, {}, /io limit of writes of 3 per second.*no cgroup/],
    ["open files", { openFiles: 30_000 }, {}, {}, /open-files limit of 30000.*20000/],
    ["bandwidth without root", { network: "1Mbit" }, { facts: rootless }, {}, /network-in.*root daemon.*network-out/],
    ["bandwidth by trial", { network: "1Mbit" }, {}, { wire: () => Promise.resolve("no veth") }, /network-in.*no veth/],
    [
      "disk by trial",
      { disk: "16MB" },
      {},
      { disk: () => Promise.resolve("no loop device") },
      /disk limit of 16 MB.*no loop device/,
    ],
    ["disk too small", { disk: "1MB" }, {}, {}, /disk limit of 1 MB.*smaller than/],
    [
      "one controller",
      { cpu: 1, pids: 5 },
      {},
      { group: () => [{ limit: "pids", wanted: "5", missing: "no pids controller", remedy: "mount it" }] },
      /pids limit of 5.*no pids controller/,
    ],
  ])("%s is refused with what is missing, unless bestEffort", async (_, resources, abilities, trials, words) => {
    const refusal = await checks({ resources }, abilities, trials);
    expect(refusal).toMatchObject({ code: "limit.unenforceable", message: expect.stringMatching(words) as string });
    expect(refusal?.message).toMatch(/^Cannot apply web: /);
    expect(refusal?.remedy).toMatch(/^[A-Z].*\. Or remove the limit, or set resources\.bestEffort\.$/);
    expect(await checks({ resources: { ...resources, bestEffort: true } }, abilities, trials)).toBe(null);
  });

  test.each(["pid", "mount", "ipc", "uts", "cgroup", "user", "readOnlyRoot"] as const)(
    "isolation.%s is refused when it is asked for and no namespace works, and left out when it is not",
    async (part) => {
      const namespaces = { withUserMissing: "unshare: EPERM", plainMissing: "unshare: EPERM" };
      const refusal = await checks({ isolation: { [part]: true } }, { namespaces });
      expect(refusal).toMatchObject({
        code: "isolation.unavailable",
        message: expect.stringMatching(/EPERM/) as string,
      });
      expect(await checks({}, { namespaces })).toBe(null);
    },
  );

  test.each<[AppInput["isolation"], string]>([
    [{ readOnlyRoot: false }, "isolation.readOnlyRoot"],
    [{ mount: false }, "isolation.mount"],
    [false, "isolation.mount and isolation.readOnlyRoot"],
  ])("what needs a file tree of its own names the setting that took it away: %j", async (isolation, settings) => {
    const refusal = await checks({ isolation, resources: { disk: "16MB" } });
    expect(refusal?.message).toContain("a disk of its own needs a file tree of its own");
    expect(refusal?.remedy).toContain(`Leave ${settings} on`);
    if (isolation === false) return;
    const contrary = {
      ...(settings === "isolation.mount" ? { readOnlyRoot: true } : { mount: true }),
      ...(isolation as object),
    };
    expect((await checks({ isolation: contrary }))?.message).toContain(
      `${settings} is off, and a file tree of its own is read-only here`,
    );
  });

  test("everything that is missing is named at once", async () => {
    const namespaces = { withUserMissing: "EPERM", plainMissing: "EPERM" };
    const refusal = await checks(
      { resources: all, isolation: { pid: true } },
      { namespaces, cgroups: noCgroups, facts: rootless },
    );
    for (const word of [
      "namespace.pid",
      "cpu",
      "cpu-weight",
      "memory",
      "pids",
      "io",
      "network-in",
      "network-out",
      "disk",
    ])
      expect(refusal?.message).toContain(word);
    expect(refusal?.code).toBe("limit.unenforceable");
  });

  test("a disk cannot become smaller than what an instance has", async () => {
    writeFileSync(join(state, "data", "web.2.img"), Buffer.alloc(20_000_000));
    expect((await checks({ instances: 2, resources: { disk: "16MB" } }))?.message).toMatch(
      /20 MB already and cannot shrink/,
    );
    expect(await checks({ instances: 1, resources: { disk: "16MB" } })).toBe(null);
  });

  test("a trial that worked is not repeated, one that failed is", async () => {
    const tried: string[] = [];
    const outcomes = ["no veth", null, "never asked"];
    const trials: Trials = {
      ...allWork,
      wire: () => (tried.push("wire"), Promise.resolve(outcomes.shift() ?? null)),
      group: (limits) => (tried.push(JSON.stringify(limits)), []),
    };
    const feasibility = new Feasibility(everything, { runtime: state, state }, trials);
    const wired = spec({ resources: { network: "1Mbit", cpu: 1 } });
    expect(await refusalOf(feasibility.check(wired))).toMatchObject({ code: "limit.unenforceable" });
    for (let again = 0; again < 3; again += 1) await feasibility.check(wired);
    expect(tried).toEqual(['{"cpuCores":1}', "wire", "wire"]);
  });

  test("whatever is asked for, on whatever machine: it is refused exactly when something of it is missing and not best effort", async () => {
    const limits = ["cpu", "memory", "pids", "openFiles", "disk", "network"] as const;
    const values = { cpu: 1, memory: "64MB", pids: 9, openFiles: 100, disk: "16MB", network: "1Mbit" } as const;
    await fc.assert(
      fc.asyncProperty(
        fc.subarray([...limits]),
        fc.record({
          cgroups: fc.boolean(),
          root: fc.boolean(),
          veth: fc.boolean(),
          loop: fc.boolean(),
          files: fc.boolean(),
        }),
        fc.boolean(),
        async (asked, has, bestEffort) => {
          const resources = { ...Object.fromEntries(asked.map((limit) => [limit, values[limit]])), bestEffort };
          const refusal = await checks(
            { resources },
            {
              ...(has.cgroups ? {} : { cgroups: noCgroups }),
              ...(has.root ? {} : { facts: rootless }),
              openFilesLimit: has.files ? 20_000 : 50,
            },
            {
              wire: () => Promise.resolve(has.veth ? null : "no veth"),
              disk: () => Promise.resolve(has.loop ? null : "no loop"),
            },
          );
          const lacks = {
            cpu: !has.cgroups,
            memory: !has.cgroups,
            pids: !has.cgroups,
            openFiles: !has.files,
            disk: !has.root || !has.loop,
            network: !has.root || !has.veth,
          };
          const missing = asked.filter((limit) => lacks[limit]);
          expect(refusal === null).toBe(bestEffort || missing.length === 0);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe.skipIf(process.getuid?.() !== 0)("on this machine", () => {
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

  test("trials for real leave nothing, and a machine that can do it all refuses nothing", async () => {
    const resources = { cpu: 0.5, memory: "64MB", pids: 16, disk: "16MB", network: "1Mbit" };
    await driver.check(spec({ resources, isolation: { network: "private", pid: true, seccomp: true } }));
  });

  test("a folder that instances may not read is refused with path, mode, user and remedy, and accepted after the remedy", async () => {
    const folder = join(playground.root, "app of mine");
    mkdirSync(folder, { mode: 0o700 });
    chmodSync(folder, 0o700);
    const refusal = await refusalOf(driver.check(spec({ folder })));
    expect(refusal).toMatchObject({ code: "spec.invalid" });
    expect(refusal?.message).toMatch(/app of mine: it has mode 0700 and belongs to uid 0, .*uid 70000 and above/);
    expect(refusal?.remedy).toContain(`chmod o+rx '${folder}'`);
    const mounted = spec({ mounts: [{ source: folder, target: "/x" }] });
    expect((await refusalOf(driver.check(mounted)))?.message).toContain("the mount ");
    chmodSync(folder, 0o705);
    await driver.check(spec({ folder }));
    await driver.check(mounted);
    expect(existsSync(join(playground.state, "numbers.jsonl"))).toBe(false);
  });

  test("a folder that was closed after its spec was applied is refused at the start, in words", async () => {
    const folder = join(playground.root, "closed later");
    mkdirSync(folder);
    chmodSync(folder, 0o700);
    const error = await refusal(driver, shell(playground, "true", { folder }));
    expect(error).toMatchObject({ code: "spec.invalid" });
    expect(error.message).toMatch(/^Cannot start suite\.\d+: its instances may not read the folder .*mode 0700/);
    chmodSync(folder, 0o755);
    expect((await runToEnd(driver, shell(playground, "true", { folder }))).exit.kind).toBe("completed");
  });

  test("without a file tree of its own an instance must be able to pass through every folder above", async () => {
    const above = join(playground.root, "above");
    const folder = join(above, "app");
    mkdirSync(folder, { recursive: true });
    chmodSync(above, 0o700);
    await driver.check(spec({ folder }));
    expect(await refusalOf(driver.check(spec({ folder, isolation: { mount: false } })))).toMatchObject({
      code: "spec.invalid",
    });
  });
});
