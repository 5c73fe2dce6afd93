import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Exit, Feature, Measure } from "@constellation/contract";
import type { StartRequest } from "@constellation/instances";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { asSomeoneElse } from "../someone-else.ts";
import { Playground } from "./playground.ts";
import { shell } from "./runs.ts";

const runOnce = fileURLToPath(new URL("../fixtures/run-once.mjs", import.meta.url));
const nobody = 65_534;

interface Outcome {
  readonly lines: string[];
  readonly exit: Exit;
  readonly measures: Measure[];
  readonly error?: { code: string; message: string };
  readonly features: Feature[];
  readonly left: unknown[];
}

// Only root can become somebody else; whoever is nobody already runs every other test rootless.
describe.runIf(process.getuid?.() === 0)("a daemon that is not root", () => {
  let playground: Playground;
  let root: string;
  beforeAll(() => {
    playground = new Playground();
    root = mkdtempSync(join(tmpdir(), "cst-rootless-"));
    chmodSync(root, 0o755);
    for (const name of ["run", "state"]) {
      mkdirSync(join(root, name));
      chownSync(join(root, name), nobody, nobody);
    }
  });
  afterAll(async () => {
    rmSync(root, { recursive: true, force: true });
    await playground.close();
  });

  async function asNobody(request: StartRequest): Promise<Outcome> {
    const options = {
      runtime: join(root, "run"),
      state: join(root, "state"),
      cgroupBase: `${playground.cgroupBase}-rootless`,
    };
    const output = await asSomeoneElse(nobody, runOnce, [JSON.stringify(request), JSON.stringify(options)]);
    return JSON.parse(output) as Outcome;
  }
  const states = ({ measures }: Outcome) => Object.fromEntries(measures.map(({ name, state }) => [name, state]));

  const namespaces = readFileSync("/proc/sys/user/max_user_namespaces", "utf8").trim() === "0" ? test.skip : test;

  namespaces("isolates by user namespaces and says what it lacks", async () => {
    const script =
      'echo "$(hostname) $(id -u)"; ls /proc | grep -c "^[0-9]"; touch /etc/x 2>/dev/null || echo refused; echo kept > $DATA_DIR/x; pwd';
    const outcome = await asNobody(shell(playground, script));
    expect(outcome.error).toBeUndefined();
    expect(outcome.lines[0]).toMatch(/^suite-\d+ \d+$/);
    expect(Number(outcome.lines[1])).toBeLessThan(6);
    expect(outcome.lines.slice(2)).toEqual(["refused", "/data"]);
    expect(states(outcome)).toMatchObject({
      "namespace.pid": "on",
      "namespace.mount": "on",
      "namespace.user": "on",
      "namespace.network": "missing",
      seccomp: "on",
    });
    expect(outcome.left).toEqual([]);
    expect(outcome.features.find(({ name }) => name === "driver.process")).toMatchObject({
      state: "available",
      detail: "rootless",
    });
  });

  namespaces.each(["pid", "mount", "ipc", "uts", "cgroup", "user", "seccomp", "readOnlyRoot"] as const)(
    "isolates without %s by all the rest",
    async (part) => {
      const outcome = await asNobody(shell(playground, "echo works", { isolation: { [part]: false } }));
      expect(outcome.error).toBeUndefined();
      expect(outcome.lines).toEqual(["works"]);
      expect(outcome.left).toEqual([]);
    },
  );

  namespaces("covers what says too much in the machine's /proc, too", async () => {
    const script =
      "ls /proc | grep -c '^[0-9]'; test -c /proc/timer_list && echo covered; grep -c ' /proc/sys ro,' /proc/self/mountinfo";
    const outcome = await asNobody(shell(playground, script, { isolation: { pid: false } }));
    expect(Number(outcome.lines[0])).toBeGreaterThan(6);
    expect(outcome.lines.slice(1)).toEqual(["covered", "1"]);
  });

  test("refuses a bandwidth and a disk size that need root, in words", async () => {
    const network = await asNobody(shell(playground, "true", { resources: { network: "10Mbit" } }));
    expect(network.error).toMatchObject({
      code: "limit.unenforceable",
      message: expect.stringContaining("root") as string,
    });
    const disk = await asNobody(shell(playground, "true", { resources: { disk: "20MB" } }));
    expect(disk.error).toMatchObject({
      code: "limit.unenforceable",
      message: expect.stringContaining("root") as string,
    });
    expect([...network.left, ...disk.left]).toEqual([]);
  });

  test("runs what asks for limits with bestEffort and reports each that is missing", async () => {
    const spec = { resources: { memory: "64MB", pids: 16, network: "1Mbit", disk: "20MB", bestEffort: true } } as const;
    const outcome = await asNobody(shell(playground, "echo ran", spec));
    expect(outcome.error).toBeUndefined();
    expect(outcome.lines).toEqual(["ran"]);
    expect(states(outcome)).toMatchObject({ "limit.network-in": "missing", "limit.disk": "missing" });
  });
});
