import type { Exit } from "@constellation/contract";
import { MemoryStateStore } from "@constellation/engine";
import { noRestarts } from "@constellation/instances";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RunLog } from "../../src/agent/run-log.ts";
import { Repository, type RunRecord } from "../../src/state/index.ts";

const followed = { stop: new AbortController(), end: Promise.resolve() };
let repository: Repository;
let log: RunLog;
beforeEach(async () => {
  followed.stop = new AbortController();
  repository = new Repository(new MemoryStateStore());
  await repository.mirror.load(followed.stop.signal);
  followed.end = repository.mirror.follow(followed.stop.signal);
  log = new RunLog(repository, "web", 1);
});
afterEach(async () => {
  followed.stop.abort();
  await followed.end;
});

const { signal } = new AbortController();
const launched = (runId: string): RunRecord & { status: "launched" } => ({
  status: "launched",
  runId,
  revision: 1,
  tries: 0,
  since: 5,
  ...noRestarts,
});
const exit: Exit = { kind: "completed", code: 0, signal: null, reason: "done", peakMemoryBytes: null, at: 9 };

test("a revision that is taken over while the end of its run is being written undoes nothing of that", async () => {
  await log.launch(launched("first"), { intent: "repeatable", signal });
  const ended = log.ended(
    exit,
    { status: "completed", since: 9, last: exit },
    { revision: 1, tries: 0, count: noRestarts },
  );
  await log.adopt(3);
  await ended;
  expect(log.record).toMatchObject({ status: "ended", outcome: "completed", revision: 3 });
});

test("nor of a launch: the next daemon must know the run that was begun last", async () => {
  await log.launch(launched("first"), { intent: "repeatable", signal });
  const second = log.launch(launched("second"), { intent: "repeatable", signal });
  await log.adopt(3);
  await second;
  expect(log.record).toMatchObject({ status: "launched", runId: "second", revision: 3 });
});
