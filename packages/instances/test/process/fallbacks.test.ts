import { existsSync } from "node:fs";
import type { IsolationLane, ProcessDriver, RunHandle } from "@constellation/instances";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Playground } from "./playground.ts";
import { command, end, line, runToEnd, shell } from "./runs.ts";

// The levels below the launcher: what each keeps apart must hold, and what it lacks must be said.
const status =
  "grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status | tr -d '\\t' | tr '\\n' ' '; echo; ls /proc | grep -c '^[0-9]'; id -u";
const root = process.getuid?.() === 0;
const { signal } = new AbortController();

const levels = [
  {
    lane: "bubblewrap",
    program: "/usr/bin/bwrap",
    state: "partial",
    on: ["namespace.mount", "root.read-only", "namespace.pid", "namespace.ipc", "namespace.uts", "seccomp"],
    missing: ["sockets.abstract"],
  },
  {
    lane: "unshare",
    program: "/usr/bin/unshare",
    state: "partial",
    on: ["namespace.pid", "namespace.ipc", "namespace.cgroup", "seccomp"],
    missing: ["namespace.mount", "root.read-only", "namespace.uts"],
  },
  {
    lane: "none",
    program: "/bin/sh",
    state: "missing",
    on: ["seccomp"],
    missing: ["namespace.pid", "namespace.mount", "namespace.ipc", "namespace.uts", "namespace.cgroup"],
  },
] as const satisfies readonly { lane: IsolationLane; [key: string]: unknown }[];

describe.each(levels.filter(({ program }) => existsSync(program)))("isolated by $lane", (level) => {
  let playground: Playground;
  let driver: ProcessDriver;
  beforeAll(async () => {
    playground = new Playground(level.lane);
    driver = await playground.open();
  });
  afterAll(async () => {
    expect(await playground.leftovers()).toEqual([]);
    await playground.close();
  });

  test("an instance has no rights, no way around the filter, and is no root", async () => {
    const { lines, measures } = await runToEnd(driver, shell(playground, status));
    expect(lines[0]).toBe("CapEff:0000000000000000 NoNewPrivs:1 Seccomp:2 ");
    if (level.lane !== "none") expect(Number(lines[1])).toBeLessThan(8);
    if (root) expect(Number(lines[2])).toBeGreaterThanOrEqual(70_000);
    for (const measure of level.on) expect([measure, measures[measure]]).toEqual([measure, "on"]);
    for (const measure of level.missing) expect([measure, measures[measure]]).toEqual([measure, "missing"]);
  });

  test("refused calls are refused, secrets and knobs are out of reach", async () => {
    const attempts = [
      "unshare -U true 2>/dev/null && echo unshare",
      "mount -t tmpfs none /tmp 2>/dev/null && echo mount",
      "cat /etc/shadow >/dev/null 2>&1 && echo shadow",
      "(echo x > /proc/sys/kernel/core_pattern) 2>/dev/null && echo core_pattern",
      "(echo x > /proc/sysrq-trigger) 2>/dev/null && echo sysrq",
      "touch /usr/x 2>/dev/null && echo usr",
      "nsenter -t 1 -m true 2>/dev/null && echo nsenter",
    ];
    const { lines } = await runToEnd(driver, shell(playground, `${attempts.join("; ")}; echo over`));
    expect(lines).toEqual(["over"]);
  });

  test("a command executed inside has what the instance has and no more", async () => {
    const handle = await driver.start(shell(playground, "echo ready; sleep 1000000; sleep 1"), { signal });
    await line(handle, /ready/);
    const [rights = "", count, uid] = (await output(handle, ["sh", "-c", status])).split("\n");
    expect(rights).toBe("CapEff:0000000000000000 NoNewPrivs:1 Seccomp:2 ");
    if (level.lane !== "none") expect(Number(count)).toBeLessThan(10);
    if (root) expect(Number(uid)).toBeGreaterThanOrEqual(70_000);
    await end(driver, handle);
  });

  test("exit codes, signals and the death of the whole tree arrive", async () => {
    expect((await runToEnd(driver, shell(playground, "exit 7"))).exit).toMatchObject({ kind: "error", code: 7 });
    expect((await runToEnd(driver, shell(playground, "kill -SEGV $$"))).exit).toMatchObject({ signal: "SIGSEGV" });
    const handle = await driver.start(
      shell(playground, "(setsid sleep 1000000 &); trap '' TERM; echo ready; sleep 1000000; sleep 1"),
      { signal },
    );
    await line(handle, /ready/);
    expect(await handle.stop("SIGTERM", 50)).toMatchObject({ kind: "killed" });
    await end(driver, handle);
    expect(await playground.leftovers()).toEqual([]);
  });

  test("the doctor names the level and what it lacks", async () => {
    const found = (await driver.probe()).find(({ name }) => name === "isolation.level");
    expect(found).toMatchObject({ state: level.state });
    expect(found?.detail).toMatch(level.lane === "none" ? /^no namespaces/ : new RegExp(`^${level.lane}; lacks `));
    expect(found?.remedy).toMatch(/launcher/);
  });

  test("a missing program is refused by name", async () => {
    await expect(driver.start(command(playground, ["/no/such"]), { signal })).rejects.toMatchObject({
      code: "program.unrunnable",
      message: expect.stringContaining("/no/such") as string,
    });
  });
});

async function output(handle: RunHandle, argv: readonly string[]): Promise<string> {
  const session = await handle.exec({ argv, tty: false, columns: 80, rows: 24 }, { signal });
  session.endInput();
  let text = "";
  for await (const { bytes } of session.output) text += Buffer.from(bytes).toString();
  await session.close();
  return text;
}
