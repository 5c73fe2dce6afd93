import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type AppInput, parseApp } from "@constellation/contract";
import { FileLogStore, MemoryLogStore, MemoryStateStore } from "@constellation/engine";
import { expect, onTestFinished, test } from "vitest";
import { clearUp } from "../../src/observe/index.ts";
import { Repository } from "../../src/state/index.ts";

const hourMs = 3_600_000;
const artifact = (digit: string): string => digit.repeat(64);

/** A state with one revision for each input, numbered from 1 within its app. */
async function stateOf(...inputs: readonly AppInput[]): Promise<Repository> {
  const state = new Repository(new MemoryStateStore());
  const stop = new AbortController();
  await state.mirror.load(stop.signal);
  const following = state.mirror.follow(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await following;
  });
  const edit = state.edit();
  const count = new Map<string, number>();
  for (const input of inputs) {
    const revision = (count.get(input.name) ?? 0) + 1;
    count.set(input.name, revision);
    edit.put({ kind: "revision", app: input.name, revision }, { spec: parseApp(input), restarts: 0 });
  }
  await state.write(edit);
  return state;
}

async function logsOf(...instances: string[]): Promise<MemoryLogStore> {
  const logs = new MemoryLogStore();
  for (const instance of instances) await logs.append(instance, [{ stream: "stdout", text: instance }]);
  return logs;
}

async function lines(logs: MemoryLogStore): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of logs.query({})) if (entry.kind === "line") found.push(entry.text);
  return found.sort();
}

const nothing = { collect: () => Promise.resolve() };

test("each app's logs are kept as long as that app wants, those of apps that are gone for a day", async () => {
  const { mirror } = await stateOf(
    { name: "short", command: ["x"], logs: { maxAge: "1h" } },
    { name: "long", command: ["x"], logs: { maxAge: "7d" } },
    { name: "changed", command: ["x"], logs: { maxAge: "3d" } },
    { name: "changed", command: ["x"], logs: { maxAge: "1h" } },
  );
  const logs = await logsOf("short.1", "long.1", "long.2", "changed.1", "gone.1");
  const kept = async (laterMs: number): Promise<string[]> => {
    await clearUp(mirror, logs, nothing, Date.now() + laterMs);
    return lines(logs);
  };
  expect(await kept(0.5 * hourMs)).toEqual(["changed.1", "gone.1", "long.1", "long.2", "short.1"]);
  expect(await kept(2 * hourMs)).toEqual(["changed.1", "gone.1", "long.1", "long.2"]);
  expect(await kept(25 * hourMs)).toEqual(["changed.1", "long.1", "long.2"]);
  expect(await kept(80 * hourMs)).toEqual(["long.1", "long.2"]);
  expect(await kept(200 * hourMs)).toEqual([]);
});

test("artifacts of every revision that is kept are live, and no others", async () => {
  const { mirror } = await stateOf(
    { name: "web", script: "a.js", artifact: artifact("a") },
    { name: "web", script: "a.js", artifact: artifact("b") },
    { name: "db", command: ["x"] },
  );
  const told: ReadonlySet<string>[] = [];
  const artifacts = { collect: async (live: ReadonlySet<string>) => void told.push(live) };
  await clearUp(mirror, await logsOf(), artifacts, Date.now());
  expect(told).toEqual([new Set([artifact("a"), artifact("b")])]);
});

test("nothing is left of the log of an app that is gone, and the file that an instance may write to stays", async () => {
  const { mirror } = await stateOf({ name: "web", command: ["x"], logs: { maxAge: "1h" } });
  const directory = mkdtempSync(join(tmpdir(), "clear-up-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const logs = new FileLogStore({ directory });
  for (const instance of ["web.1", "gone.1"]) await logs.append(instance, [{ stream: "stdout", text: "a line" }]);
  await clearUp(mirror, logs, nothing, Date.now() + 23 * hourMs);
  expect(readdirSync(directory)).toEqual(["gone.1", "web.1"]);
  await clearUp(mirror, logs, nothing, Date.now() + 25 * hourMs);
  expect(readdirSync(directory)).toEqual(["web.1"]);
  expect(readdirSync(join(directory, "web.1"))).toEqual(["log"]);
  await logs.close();
});

test("others have their turn between two logs", async () => {
  const { mirror } = await stateOf();
  const directory = mkdtempSync(join(tmpdir(), "clear-up-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const logs = new FileLogStore({ directory });
  for (let index = 1; index <= 50; index += 1)
    await logs.append(`web.${index}`, [{ stream: "stdout", text: "a line" }]);
  const others = { turns: 0, over: false };
  const turn = (): void => {
    others.turns += 1;
    if (!others.over) setImmediate(turn);
  };
  setImmediate(turn);
  await clearUp(mirror, logs, nothing, Date.now());
  others.over = true;
  expect(others.turns).toBeGreaterThanOrEqual(50);
  await logs.close();
});
