import { execFile, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it, onTestFinished, vi } from "vitest";
import { startThread } from "../src/worker/thread-link.ts";
import { owned, until } from "./leftovers.ts";
import { watchedPools } from "./watched-pools.ts";

const module = new URL("./fixtures/odd-tasks.js", import.meta.url);
const { open } = watchedPools({ module, placement: "process", workers: 1 });

it("a process that closes its channel and stays is ended and replaced", async () => {
  const pool = await open({});
  await expect(pool.run("deafen")).rejects.toMatchObject({
    code: "worker-crashed",
    message: expect.stringMatching(/its channel broke: the worker closed it/) as string,
  });
  expect(await pool.run("echo", 1)).toBe(1);
});

it("a process that writes answers into its channel that cannot be keeps nobody waiting", async () => {
  const pool = await open({});
  await expect(pool.run("garble")).rejects.toMatchObject({ code: "worker-crashed" });
  expect(await pool.run("echo", 1)).toBe(1);
});

it("nothing of a process is held for somebody it has left behind", async () => {
  const before = owned();
  const pool = await open({});
  const left = Number(await pool.run("leave", 60));
  onTestFinished(() => void process.kill(left, "SIGKILL"));
  await pool.close();
  await until(() => JSON.stringify(owned()) === JSON.stringify(before), "nothing held", 5000);
});

it("a process that has ended is not killed again, as its number may be somebody else's by then", async () => {
  const pool = await open({});
  const pid = pool.snapshot()[0]?.workers[0]?.id ?? 0;
  const kill = vi.spyOn(process, "kill");
  onTestFinished(() => kill.mockRestore());
  await expect(pool.run("exit", 3)).rejects.toMatchObject({ code: "worker-crashed" });
  await until(() => pool.snapshot()[0]?.workers.some(({ state }) => state === "warm") ?? false, "another one");
  // Once for the rest of its group, as soon as it has ended.
  expect(kill.mock.calls.filter(([killed]) => killed === -pid)).toHaveLength(1);
});

it.runIf(process.getuid?.() === 0)(
  "a process that its program may not kill any more ends with its channel",
  async () => {
    const program = fileURLToPath(new URL("./fixtures/drops-rights-and-closes.js", import.meta.url));
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [program], { timeout: 28_000 });
    expect(stderr).toBe("");
    expect(Number(stdout)).toBeLessThan(8);
  },
);

it("what a process writes to stderr ends nobody, also when nobody reads it", async () => {
  const program = fileURLToPath(new URL("./fixtures/unread-stderr.js", import.meta.url));
  const child = spawn(process.execPath, [program], { stdio: ["ignore", "pipe", "pipe"] });
  child.stderr.destroy();
  let said = "";
  child.stdout.on("data", (chunk) => (said += String(chunk)));
  await new Promise((resolve) => child.once("close", resolve));
  expect(said).toBe("done\n");
});

it("a thread that could not be started holds no port", async () => {
  const ports = (): number => {
    const { libuv } = process.report.getReport() as unknown as { libuv: { type: string }[] };
    return libuv.filter(({ type }) => type === "async").length;
  };
  const events = { onBatch: () => undefined, onBytes: () => undefined, onExit: () => undefined };
  const start = (): unknown => startThread({ execArgv: ["--no-such-flag"] }, events);
  expect(start).toThrow(/no-such-flag/);
  const before = ports();
  for (let round = 0; round < 20; round += 1) expect(start).toThrow(/no-such-flag/);
  await until(() => ports() < before + 20, "ports closed", 5000);
});

it("a process that could not be started holds no descriptor", async () => {
  const program = fileURLToPath(new URL("./fixtures/no-file-space.js", import.meta.url));
  const { stdout } = await promisify(execFile)(
    "/bin/sh",
    ["-c", 'ulimit -f 0; exec "$0" "$1"', process.execPath, program],
    { timeout: 20_000, killSignal: "SIGKILL" },
  );
  expect(stdout).toBe("1 failed, 0 held\n");
});
