import { type AppInput, type InstanceState, parseApp } from "@constellation/contract";
import { MemoryStateStore } from "@constellation/engine";
import { expect, onTestFinished, test } from "vitest";
import { Observations } from "../../src/agent/index.ts";
import { Snapshot } from "../../src/scheduler/index.ts";
import { Repository } from "../../src/state/index.ts";

const nowMs = 1_000_000;

/** An app of one instance that is to run revision 2; each instance with its revision and the time that it has run. */
async function rollout(
  instances: readonly { readonly revision: number; readonly ranMs: number }[],
  settings: Partial<AppInput> = {},
): Promise<Snapshot> {
  const store = new MemoryStateStore();
  onTestFinished(() => store.close());
  const repository = new Repository(store);
  const { mirror } = repository;
  const follow = new AbortController();
  onTestFinished(() => follow.abort());
  await mirror.load(follow.signal);
  void mirror.follow(follow.signal).catch(() => undefined);
  const app = "web";
  const spec = parseApp({ name: app, command: ["run"], ...settings });
  const edit = repository.edit();
  for (const revision of [1, 2]) edit.put({ kind: "revision", app, revision }, { spec, restarts: revision });
  edit.put(
    { kind: "app", app },
    { mode: "running", erase: false, instances: 1, revision: 2, source: null, updatedAt: 0 },
  );
  const observations = new Observations();
  for (const [at, { revision, ranMs }] of instances.entries()) {
    const index = at + 1;
    edit.put({ kind: "alloc", app, index }, { node: "local", revision, wish: { kind: "run" }, tries: 0 });
    const state: InstanceState = { status: "running", since: nowMs - ranMs, pid: index, ready: true, notReady: null };
    observations.report({
      app,
      index,
      revision,
      tries: 0,
      refused: null,
      begunAt: null,
      driver: "fake",
      state,
      restarts: 0,
      run: null,
      history: [],
    });
  }
  await repository.write(edit);
  return new Snapshot(mirror, observations, () => nowMs);
}

test("an update is looked at again when its newest instance has run for long enough, to its very end", async () => {
  const under = await rollout([
    { revision: 1, ranMs: 60_000 },
    { revision: 2, ranMs: 100 },
  ]);
  expect(under.lookAgainInMs("web")).toBe(400);
  // All are of the newest revision, but one too many is left to go.
  const last = await rollout([
    { revision: 2, ranMs: 100 },
    { revision: 2, ranMs: 600 },
  ]);
  expect(last.lookAgainInMs("web")).toBe(400);
});

test("an app that is as wanted is not looked at for nothing", async () => {
  expect((await rollout([{ revision: 2, ranMs: 100 }])).lookAgainInMs("web")).toBeNull();
});

test("the stop of an app waits a moment for its dependents, and not for a time that a clock set back has yet to reach", async () => {
  const snapshot = await rollout([{ revision: 2, ranMs: 100 }], { dependsOn: ["db"] });
  const stopped = { mode: "stopped", erase: false, instances: 1, revision: 1, source: null } as const;
  expect(snapshot.holdMs("db", { ...stopped, updatedAt: nowMs - 10 })).toBe(40);
  expect(snapshot.holdMs("db", { ...stopped, updatedAt: nowMs + 3_600_000 })).toBe(0);
});
