import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { StockBudget } from "@constellation/instances";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Playground } from "./playground.ts";
import { shell } from "./runs.ts";
import { plentyOfSlots } from "./starting-in-slots.ts";

const rounds = Number(process.env["CHAOS_CYCLES"] ?? 200) / 20;
const miniDaemon = fileURLToPath(new URL("../fixtures/mini-daemon.mjs", import.meta.url));

let playground: Playground;
beforeAll(() => void (playground = new Playground()));
afterAll(() => playground.close());

/** Starts a daemon that starts instances, and kills it some moment after it has told of `starts` of them. */
async function shortLivedDaemon(firstIndex: number, starts: number, slots: StockBudget): Promise<void> {
  const { runtime, state, cgroupBase } = playground;
  const request = { ...shell(playground, 'echo "$RUN" >> $DATA_DIR/ran; sleep 1000000'), index: firstIndex };
  const words = [miniDaemon, JSON.stringify(request), JSON.stringify({ runtime, state, cgroupBase, slots })];
  const daemon = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
  const over = new Promise((resolve) => daemon.once("exit", resolve));
  let told = "";
  for await (const text of daemon.stdout.setEncoding("utf8")) {
    told += String(text);
    if (told.split("\n").length > starts + 1) break;
  }
  await sleep(Math.random() * 10);
  daemon.kill("SIGKILL");
  await over;
}

/** Ids of the runs whose program has run, as often as it has. */
function ran(): string[] {
  const data = join(playground.state, "data");
  return readdirSync(data).flatMap((name) => {
    try {
      return readFileSync(join(data, name, "ran"), "utf8")
        .trim()
        .split("\n");
    } catch {
      return [];
    }
  });
}

const ways: readonly (readonly [way: "cold" | "slot", StockBudget])[] = [
  ["cold", { ...plentyOfSlots, slots: 0 }],
  ...(process.getuid?.() === 0 ? [["slot", plentyOfSlots] as const] : []),
];

test.each(ways)(
  `a daemon is killed ${rounds} times while it starts instances (%s): each run is adopted or never was, none runs twice`,
  async (way, slots) => {
    const neverStarted = new Set<string>();
    let adopted = 0;
    const seen = new Set<string>();
    for (let round = 0; round < rounds; round += 1) {
      await shortLivedDaemon(round * 1000, round % 6, slots);
      const driver = await playground.open();
      const found = await driver.list();
      const pids = new Set<number>();
      for (const { runId } of found) {
        const recovery = await driver.recover(runId);
        if (recovery.status === "never-started") neverStarted.add(runId);
        if (recovery.status !== "running") {
          expect(recovery.status).toBe("never-started");
          await driver.release(runId);
          continue;
        }
        adopted += 1;
        const { handle } = recovery;
        seen.add(handle.facts.start);
        pids.add(handle.facts.pid);
        expect(handle.stats()?.processes).toBeGreaterThanOrEqual(1);
        for (let wait = 0; !ran().includes(runId) && wait < 500; wait += 1) await sleep(10);
        expect(ran().filter((id) => id === runId)).toEqual([runId]);
        await handle.kill();
        handle.detach();
        await driver.release(runId);
      }
      expect(pids.size).toBe(
        found.length - [...neverStarted].filter((id) => found.some(({ runId }) => runId === id)).length,
      );
      expect(await playground.leftovers()).toEqual([]);
      await driver.close();
    }
    expect(adopted).toBeGreaterThan(0);
    expect([...seen]).toContain(way);
    expect(ran().filter((id) => neverStarted.has(id))).toEqual([]);
  },
  rounds * 10_000,
);
