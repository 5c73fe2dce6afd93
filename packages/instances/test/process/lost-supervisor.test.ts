import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Isolation } from "@constellation/contract";
import { expect, onTestFinished, test } from "vitest";
import { limitsHere } from "../limits-here.ts";
import { Playground } from "./playground.ts";
import { shell } from "./runs.ts";

const { signal } = new AbortController();
const tree = "setsid sleep 1000001 & (setsid sh -c 'sleep 1000002 & sleep 1000003' &); echo up; sleep 1000004";

async function playing(): Promise<Playground> {
  const playground = new Playground();
  onTestFinished(() => playground.close());
  return playground;
}

function supervisorOf(playground: Playground, runId: string): number {
  const text = readFileSync(join(playground.runtime, "runs", runId, "pid"), "latin1");
  return Number(/^supervisor (\d+)/.exec(text)?.[1]);
}

async function upLine(logFile: string | null): Promise<void> {
  for (let wait = 0; wait < 500 && !read(logFile).includes(" up\n"); wait += 1) await sleep(10);
}

function read(path: string | null): string {
  try {
    return path === null ? "" : readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

const isolations: Record<string, Partial<Isolation>> = {
  "process numbers of its own": {},
  // Only a control group holds a tree together then.
  ...(limitsHere ? { "the machine's process numbers": { pid: "off" } } : {}),
};

test.each(Object.entries(isolations))(
  "with %s a supervisor that is killed takes its whole tree along",
  async (_, isolation) => {
    const playground = await playing();
    const driver = await playground.open();
    const request = shell(playground, tree);
    const handle = await driver.start({ ...request, isolation: { ...request.isolation, ...isolation } }, { signal });
    await upLine(handle.facts.logFile);
    process.kill(supervisorOf(playground, handle.facts.runId), "SIGKILL");
    expect(await handle.wait()).toMatchObject({ kind: "lost" });
    await driver.release(handle.facts.runId);
    expect(await playground.leftovers()).toEqual([]);
  },
);

test.each(Object.entries(isolations))(
  "with %s the next daemon clears what was killed while there was none",
  async (_, isolation) => {
    const playground = await playing();
    const driver = await playground.open();
    const request = shell(playground, tree);
    const handle = await driver.start({ ...request, isolation: { ...request.isolation, ...isolation } }, { signal });
    await upLine(handle.facts.logFile);
    handle.detach();
    await driver.close();
    process.kill(supervisorOf(playground, handle.facts.runId), "SIGKILL");
    const next = await playground.open();
    expect(await next.recover(handle.facts.runId)).toMatchObject({ status: "ended", exit: { kind: "lost" } });
    await next.release(handle.facts.runId);
    expect(await playground.leftovers()).toEqual([]);
  },
);
