import { readFileSync } from "node:fs";
import { join } from "node:path";
import { childrenOf, listPids } from "@constellation/host";
import { type ProcessDriver, type RunHandle } from "@constellation/instances";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readPidFile } from "../../src/launch/index.ts";
import { Chance, chaosSeed } from "../chance.ts";
import { limitsHere } from "../limits-here.ts";
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
/** Without process numbers of its own only a control group holds a tree together. */
const loose = [{ isolation: { pid: false } }, { isolation: false }, { isolation: { user: false } }] as const;
const settings = [{}, ...(limitsHere ? loose : [])];

/** Everything about one life that is left to chance, drawn before it begins, so that a seed repeats it. */
function draw(chance: Chance) {
  return {
    action: chance.pick(actions),
    program: chance.pick(programs),
    setting: chance.pick(settings),
    abortAfterMs: chance.next() * 8,
    actAfterMs: chance.next() * 10,
    graceMs: chance.next() * 20,
  };
}
type Life = ReturnType<typeof draw>;

test(
  `${cycles} starts, each ended in its own way: every one has an exit, nothing is left`,
  async () => {
    console.log(`seed ${chaosSeed}: CONSTELLATION_CHAOS_SEED=${chaosSeed} draws the same lives again`);
    const kinds = new Map<string, number>();
    const before = zombies();
    let begun = 0;
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        while (begun < cycles) {
          begun += 1;
          const life = draw(new Chance(chaosSeed + begun));
          const outcome = await live(life).catch((error: unknown) => {
            throw new Error(`life ${begun} of seed ${chaosSeed}: ${JSON.stringify(life)}`, { cause: error });
          });
          kinds.set(outcome, (kinds.get(outcome) ?? 0) + 1);
        }
      }),
    );
    if (process.env["CHAOS_CYCLES"] !== undefined) console.log(Object.fromEntries(kinds));
    expect([...kinds.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(cycles);
    expect(await playground.leftovers()).toEqual([]);
    expect(await driver.list()).toEqual([]);
    expect(zombies().filter((each) => !before.includes(each))).toEqual([]);
    expect(readFileSync("/proc/net/unix", "utf8")).not.toContain(playground.root);
  },
  cycles * 500,
);

/** Children of ours, or of what we started, that ended and were not waited for; what the machine's first process does is its own. */
function zombies(): number[] {
  const ours = [process.pid, ...childrenOf(process.pid)];
  return listPids().filter((pid) => {
    const stat = read(`/proc/${pid}/stat`);
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" && ours.includes(Number(parent));
  });
}

/** One life; gives how it ended. */
async function live({ action, program, setting, abortAfterMs, actAfterMs, graceMs }: Life): Promise<string> {
  const request = shell(playground, program, setting);
  const abort = new AbortController();
  if (action === "abort") setTimeout(() => abort.abort(), abortAfterMs);
  let handle: RunHandle;
  try {
    handle = await driver.start(request, { signal: abort.signal });
  } catch (error) {
    // Of those that were starting while the spawner was killed, some never start; and that is said.
    const code = expect.stringMatching(/^(instance.start-failed|program.unrunnable|call.cancelled)$/) as string;
    expect(error).toMatchObject({ code });
    expect(await driver.recover(request.runId)).toEqual({ status: "never-started" });
    return "not-started";
  }
  handle = await act(action, actAfterMs, handle);
  void handle.stop("SIGTERM", graceMs);
  const exit = await handle.wait();
  handle.detach();
  await driver.release(handle.facts.runId);
  return exit.kind;
}

async function act(action: (typeof actions)[number], afterMs: number, handle: RunHandle): Promise<RunHandle> {
  const folder = join(playground.runtime, "runs", handle.facts.runId);
  await new Promise((resolve) => setTimeout(resolve, afterMs));
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

const command = (pid: number): string => read(`/proc/${pid}/cmdline`);

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
