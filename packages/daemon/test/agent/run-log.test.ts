import type { Exit } from "@constellation/contract";
import { EngineError, MemoryStateStore, type Rev, type Txn, type TxnOptions } from "@constellation/engine";
import { noRestarts } from "@constellation/instances";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RunLog } from "../../src/agent/run-log.ts";
import { Repository, type RunRecord } from "../../src/state/index.ts";

/** A disk that may be full. */
class Disk extends MemoryStateStore {
  isFull = false;

  override txn(txn: Txn, options: TxnOptions = {}): Promise<Rev> {
    if (this.isFull) return Promise.reject(new EngineError("too-large", "no room"));
    return super.txn(txn, options);
  }
}

let disk: Disk;
const followed = { stop: new AbortController(), end: Promise.resolve() };
let repository: Repository;
let log: RunLog;
beforeEach(async () => {
  followed.stop = new AbortController();
  disk = new Disk();
  repository = new Repository(disk);
  await repository.mirror.load(followed.stop.signal);
  followed.end = repository.mirror.follow(followed.stop.signal);
  log = new RunLog(repository, "web", 1, 10);
});
afterEach(async () => {
  log.close();
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

const ended = () =>
  log.ended(exit, { status: "completed", since: 9, last: exit }, { revision: 1, tries: 0, count: noRestarts });
/** The disk is full from then on. */
async function launchedOnFullDisk(): Promise<void> {
  await log.launch(launched("first"), { intent: "repeatable", signal });
  disk.isFull = true;
}
const meanwhile = () => new Promise((resolve) => setTimeout(resolve, 50));

test("an end that the disk did not take is written when it does, and the run is kept until then", async () => {
  await launchedOnFullDisk();
  let isKept = true;
  const end = ended().then(() => (isKept = false));
  await meanwhile();
  expect(isKept).toBe(true);
  disk.isFull = false;
  await end;
  expect(log.record).toMatchObject({ status: "ended", outcome: "completed" });
});

test("nothing is written of it any more when the next run was begun meanwhile", async () => {
  await launchedOnFullDisk();
  const end = ended();
  await meanwhile();
  disk.isFull = false;
  await log.launch(launched("second"), { intent: "repeatable", signal });
  await end;
  expect(log.record).toMatchObject({ status: "launched", runId: "second" });
});

test("who lets go of the instance leaves it to the next daemon", async () => {
  await launchedOnFullDisk();
  const end = ended();
  await meanwhile();
  log.close();
  await expect(end).rejects.toThrow("no room");
  expect(log.record).toMatchObject({ status: "launched" });
});

test("nothing is noted of an instance that is removed, and its run need not be kept", async () => {
  await launchedOnFullDisk();
  const end = ended();
  await meanwhile();
  disk.isFull = false;
  log.forget();
  await end;
  expect(log.record).toMatchObject({ status: "launched" });
});

test("the end of a run that could not be written down as launched stands for the one before as well", async () => {
  await log.launch(launched("first"), { intent: "repeatable", signal });
  const begun = { revision: 1, tries: 0, count: noRestarts };
  const first = log.ended(exit, { status: "starting", since: 9 }, begun);
  disk.isFull = true;
  await expect(log.launch(launched("second"), { intent: "repeatable", signal })).rejects.toThrow("no room");
  disk.isFull = false;
  await ended();
  await first;
  expect(log.record).toMatchObject({ status: "ended", outcome: "completed" });
});

test("of two ends that the disk did not take the later one is written", async () => {
  await launchedOnFullDisk();
  const again = { ...exit, kind: "error", code: 1, reason: "exited with code 1" } as const;
  const begun = { revision: 1, tries: 0, count: noRestarts };
  const first = log.ended(again, { status: "backoff", since: 9, until: 10, last: again }, begun);
  await expect(log.launch(launched("second"), { intent: "repeatable", signal })).rejects.toThrow("no room");
  const second = ended();
  await meanwhile();
  disk.isFull = false;
  await Promise.all([first, second]);
  expect(log.record).toMatchObject({ status: "ended", outcome: "completed" });
});
