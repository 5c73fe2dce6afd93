import { readFileSync } from "node:fs";
import { join } from "node:path";
import { childrenOf } from "@constellation/host";
import { type ProcessDriver, type RunHandle } from "@constellation/instances";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readPidFile } from "../../src/launch/index.ts";
import { Playground } from "./playground.ts";
import { shell } from "./runs.ts";

/** More by `npm run chaos:instances`. */
const cycles = Number(process.env["CHAOS_CYCLES"] ?? 200);
const atOnce = 6;

let playground: Playground;
let driver: ProcessDriver;
beforeAll(async () => {
  playground = new Playground();
  driver = await playground.open();
});
afterAll(() => playground.close());

const programs = [
  "sleep 1000000",
  "exit 3",
  "sleep 0.01; exit 0",
  "(setsid sleep 1000000 &); sleep 1000000",
  "trap '' TERM; sleep 1000000; sleep 1000000",
  "while :; do echo line; done",
];
const actions = [
  "kill",
  "stop",
  "kill-main",
  "kill-supervisor",
  "kill-init",
  "kill-spawner",
  "adopt",
  "abort",
] as const;
const pick = <T>(list: readonly T[]): T => {
  const picked = list[Math.floor(Math.random() * list.length)];
  if (picked === undefined) throw new Error("nothing to pick from");
  return picked;
};
const settings = [{}, { isolation: { pid: false } }, { isolation: false }, { isolation: { user: false } }] as const;

test(
  `${cycles} starts, each ended in its own way: every one has an exit, nothing is left`,
  async () => {
    const kinds = new Map<string, number>();
    let begun = 0;
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        while (begun < cycles) {
          begun += 1;
          const outcome = await cycle();
          kinds.set(outcome, (kinds.get(outcome) ?? 0) + 1);
        }
      }),
    );
    if (process.env["CHAOS_CYCLES"] !== undefined) console.log(Object.fromEntries(kinds));
    expect([...kinds.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(cycles);
    expect(await playground.leftovers()).toEqual([]);
    expect(await driver.list()).toEqual([]);
  },
  cycles * 500,
);

/** One life; gives how it ended. */
async function cycle(): Promise<string> {
  const action = pick(actions);
  const request = shell(playground, pick(programs), pick(settings));
  const abort = new AbortController();
  if (action === "abort") setTimeout(() => abort.abort(), Math.random() * 8);
  let handle: RunHandle;
  try {
    handle = await driver.start(request, { signal: abort.signal });
  } catch (error) {
    // Of those that were starting while the spawner was killed, some never start; and that is said.
    expect(error).toMatchObject({ code: expect.stringMatching(/^(instance.start-failed|call.cancelled)$/) as string });
    expect(await driver.recover(request.runId)).toEqual({ status: "never-started" });
    return "not-started";
  }
  handle = await act(action, handle);
  void handle.stop("SIGTERM", Math.random() * 20);
  const exit = await handle.wait();
  handle.detach();
  await driver.release(handle.facts.runId);
  return exit.kind;
}

async function act(action: (typeof actions)[number], handle: RunHandle): Promise<RunHandle> {
  const folder = join(playground.runtime, "runs", handle.facts.runId);
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
  switch (action) {
    case "kill":
      await handle.kill();
      break;
    case "kill-main":
      slay(readPidFile(folder)?.main?.pid, handle);
      break;
    case "kill-init":
      slay(readPidFile(folder)?.init?.pid, handle);
      break;
    case "kill-supervisor":
      slay(readPidFile(folder)?.supervisor.pid, handle);
      break;
    case "kill-spawner":
      for (const pid of childrenOf(process.pid))
        if (command(pid).includes("launcher\0spawner")) process.kill(pid, "SIGKILL");
      break;
    case "adopt": {
      handle.detach();
      const recovery = await driver.recover(handle.facts.runId);
      if (recovery.status === "running") return recovery.handle;
      expect(recovery.status).toBe("ended");
      break;
    }
    case "stop":
    case "abort":
      break;
  }
  if (action !== "adopt") return handle;
  return ended(handle);
}

/** A handle for a run that was found ended when it was adopted. */
function ended(handle: RunHandle): RunHandle {
  return Object.assign(Object.create(handle) as RunHandle, {
    wait: async () => {
      const recovery = await driver.recover(handle.facts.runId);
      if (recovery.status !== "ended") throw new Error(`it was ended and is now ${recovery.status}`);
      return recovery.exit;
    },
    stop: () => Promise.resolve(),
    detach: () => {},
  });
}

/** Kills a process only while it is surely one of ours. */
function slay(pid: number | undefined, handle: RunHandle): void {
  if (pid === undefined || handle.stats() === null) return;
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It was faster.
  }
}

function command(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    return "";
  }
}
