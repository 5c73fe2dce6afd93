import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBinary } from "../../src/binary.ts";
import {
  buildPlan,
  encodePlan,
  fullIsolation,
  type LaunchRequest,
  noIsolation,
  printPlan,
} from "../../src/launch/index.ts";
import { stepKinds } from "../../src/launch/plan/step-kinds.ts";
import { host } from "./world.ts";

const launcherFolder = fileURLToPath(new URL("../../launcher/", import.meta.url));
const compiler = spawnSync("gcc", ["--version"], { encoding: "utf8" });
const hasCompiler = compiler.status === 0 && existsSync("/usr/include/linux/sched.h");
const architectures = ["linux-x64", "linux-arm64"] as const;

const example: LaunchRequest = {
  identity: { name: "web.2", hostname: "web-2" },
  argv: ["node", "server.js", "two words"],
  env: { PATH: "/usr/bin:/bin", SECRET: "do not print", LISTEN_FDS: "1" },
  cwd: "/srv/app",
  instanceDir: "/instances/web.2",
  log: { path: "/instances/web.2/log", maxBytes: 10_000_000_000, rotatedFiles: 2, maxLineBytes: 16384 },
  isolation: fullIsolation,
  user: { kind: "own", uid: 100_001, gid: 100_001, groups: [7] },
  binds: [{ source: "/srv/app", writable: false }],
  memoryFolders: [{ path: "/run", bytes: 1 << 20 }],
  data: { kind: "folder", source: "/instances/web.2/data", target: "/data" },
  tmpBytes: 1 << 24,
  sharedMemoryBytes: 1 << 20,
  rlimits: { openFiles: 1024 },
  cgroups: [{ kind: "tasks", path: "/sys/fs/cgroup/memory/web.2/tasks", controllers: ["memory"] }],
  network: {
    kind: "private",
    wire: {
      hostName: "cn5",
      hostIndex: 70_005,
      hostAddress: "10.1.0.1",
      instanceAddress: "10.1.0.2",
      prefixLength: 30,
      mtuBytes: 1500,
      sendBitsPerSecond: 1e7,
      receiveBitsPerSecond: 1e7,
    },
  },
  sockets: [{ fd: 3, socketFile: "/instances/port", request: "descriptor\n" }],
  startTimeoutMs: 5000,
};
const privileged = { ...host, privileged: true, changesUsers: true };

describe("plans", () => {
  const folder = mkdtempSync(join(tmpdir(), "plan-"));
  const check = (bytes: Uint8Array, program = launchBinary("launcher")) => {
    writeFileSync(join(folder, "plan"), bytes);
    return spawnSync(program, ["check", join(folder, "plan")], { encoding: "utf8" });
  };
  afterAll(() => rmSync(folder, { recursive: true }));

  test("library and launcher know the same steps", () => {
    const described = execFileSync(launchBinary("launcher"), ["describe"], { encoding: "utf8" })
      .slice(0, -1)
      .split("\n");
    const known = Object.entries(stepKinds).map(([name, kind]) => `${kind.number} ${name} ${kind.arguments}`);
    expect(known).toEqual(described);
  });

  test("an encoded plan passes the launcher's check", () => {
    expect(check(encodePlan(buildPlan(example, privileged)))).toMatchObject({ status: 0, stderr: "" });
  });

  test("the printed plan tells who does what and keeps secrets", () => {
    const printed = printPlan(buildPlan(example, privileged));
    expect(printed).toContain("supervisor  become the supervisor of /instances/web.2");
    expect(printed).toContain("inside      mount proc on /proc (nosuid, nodev, noexec)");
    expect(printed).toContain("inside      bind /srv/app on /srv/app");
    expect(printed).toContain('main        execute node server.js "two words" (4 variables)');
    expect(printed).not.toContain("do not print");
  });

  test("requests that contradict themselves are refused with the reason", () => {
    const refused = (over: Partial<LaunchRequest>, machine = privileged): string => {
      try {
        buildPlan({ ...example, ...over }, machine);
        return "accepted";
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    };
    expect(refused({ argv: [] })).toMatch(/^Cannot start web\.2: it has no command/u);
    expect(refused({ cwd: "app" })).toMatch(/"app" is not absolute/u);
    expect(refused({ user: { kind: "own", uid: 0, gid: 0, groups: [] } })).toMatch(/user 0 is not contained/u);
    expect(refused({ user: { kind: "same" } }, { ...privileged, uid: 0 })).toMatch(/run as root/u);
    expect(refused({}, { ...host, privileged: false, changesUsers: false })).toMatch(/needs a root daemon/u);
    expect(refused({ isolation: noIsolation, data: { kind: "memory", bytes: 1, target: "/d" } })).toMatch(
      /private root/u,
    );
    expect(refused({})).toBe("accepted");
  });

  test("a plan with a NUL in a text or beyond the size limit is an error of the library", () => {
    expect(() => encodePlan(buildPlan({ ...example, argv: ["a\0b"] }, privileged))).toThrow(/has a NUL/u);
    expect(() => encodePlan(buildPlan({ ...example, env: { BIG: "x".repeat(1 << 20) } }, privileged))).toThrow(
      /larger than 1048576 bytes/u,
    );
    expect(check(encodePlan(buildPlan({ ...example, env: { BIG: "x".repeat(900_000) } }, privileged))).status).toBe(0);
  });

  test("every cut and every kind of nonsense is refused with a message", () => {
    const plan = encodePlan(buildPlan(example, privileged));
    for (const length of [0, 1, 15, 16, 17, 47, 48, plan.length - 1])
      expect(check(plan.subarray(0, length))).toMatchObject({
        status: 126,
        stderr: expect.stringMatching(/^plan refused/u),
      });
    const withWord = (at: number, value: number): Buffer => {
      const copy = Buffer.from(plan);
      copy.writeUInt32LE(value, at);
      return copy;
    };
    for (const [at, value] of [
      [0, 1],
      [4, 99],
      [8, 7],
      [12, 1],
      [16, 0],
      [16, 9999],
      [20, 1],
      [20, 0xffffffff],
      [16 + 32 + 4, plan.length],
    ] as const)
      expect(check(withWord(at, value)).status, `word at ${at} = ${value}`).toBe(126);
  });

  test("random bytes are never a plan and never a crash", () => {
    const program = launchBinary("launcher");
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (bytes, withMagic) => {
        const input = withMagic ? Buffer.concat([Buffer.from("CPLN\x01\0", "latin1"), bytes]) : bytes;
        for (const mode of ["check", "launch"])
          expect(spawnSync(program, [mode, "-"], { input, env: {} })).toMatchObject({ status: 126, signal: null });
      }),
      { numRuns: 60 },
    );
  });

  describe.skipIf(!hasCompiler)("with the reader built for memory errors", () => {
    const program = join(folder, "fuzz");
    beforeAll(() => {
      const sources = [join(launcherFolder, "plan.c"), fileURLToPath(new URL("fixtures/fuzz-plan.c", import.meta.url))];
      execFileSync("gcc", [
        "-std=gnu11",
        "-O1",
        "-g",
        "-w",
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover=all",
        `-I${launcherFolder}`,
        "-o",
        program,
        ...sources,
      ]);
    });

    test("mutated plans never make it read outside or take what it should refuse", () => {
      const seeds = [example, { ...example, isolation: noIsolation, data: null, network: { kind: "host" as const } }];
      for (const [index, seed] of seeds.entries()) {
        writeFileSync(join(folder, "seed"), encodePlan(buildPlan(seed, privileged)));
        const run = spawnSync(program, [join(folder, "seed"), "40000", String(1000 + index)], { encoding: "utf8" });
        expect(run.stderr).toBe("");
        expect(run.status).toBe(0);
        const [accepted, refused] = run.stdout.split(" ").map(Number);
        expect(accepted).toBeGreaterThan(100);
        expect(refused).toBeGreaterThan(10_000);
      }
    }, 60_000);
  });
});

describe("the committed programs", () => {
  const recorded = (platform: string) =>
    JSON.parse(readFileSync(join(launcherFolder, "bin", platform, "launcher.json"), "utf8")) as {
      sources: string;
      compiler: string;
    };

  test.each(architectures)("%s was built from these sources", (platform) => {
    const programs = readFileSync(join(launcherFolder, "build.sh"), "utf8");
    const sources = /^launcher: (.+)$/mu.exec(programs)?.[1]?.split(" ") ?? [];
    expect(sources.length).toBeGreaterThan(10);
    const sum = (name: string): string =>
      `${createHash("sha256")
        .update(readFileSync(join(launcherFolder, name)))
        .digest("hex")}  ${name}\n`;
    const list = ["build.sh", "sys.h", "start.c", ...sources].map(sum).join("");
    expect(createHash("sha256").update(list).digest("hex")).toBe(recorded(platform).sources);
  });

  test.skipIf(!hasCompiler)("a rebuild with the same compiler gives the same bytes", (context) => {
    const platform = host.architecture === "x64" ? "linux-x64" : "linux-arm64";
    if (compiler.stdout.split("\n")[0] !== recorded(platform).compiler) context.skip();
    const folder = mkdtempSync(join(tmpdir(), "rebuild-"));
    try {
      execFileSync(join(launcherFolder, "build.sh"), [platform, folder]);
      const committed = readFileSync(join(launcherFolder, "bin", platform, "launcher"));
      expect(readFileSync(join(folder, "launcher")).equals(committed)).toBe(true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
