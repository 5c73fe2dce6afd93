import { EngineError, MemoryStateStore, type Rev, type Txn, type TxnOptions } from "@constellation/engine";
import { afterEach, beforeEach, expect, test } from "vitest";
import { actorNameOf, type InstanceMessage } from "../../src/agent/index.ts";
import { eventually, Machine } from "./harness.ts";

/** A disk that may refuse what instances note of their runs. */
class RefusingDisk extends MemoryStateStore {
  refuses = false;
  refused = 0;

  override txn(txn: Txn, options: TxnOptions = {}): Promise<Rev> {
    if (!this.refuses || !(txn.put ?? []).some(({ key }) => key.startsWith("run."))) return super.txn(txn, options);
    this.refused += 1;
    return Promise.reject(new EngineError("corrupt", "the disk refuses"));
  }
}

let machine: Machine;
let disk: RefusingDisk;
beforeEach(async () => {
  disk = new RefusingDisk();
  machine = new Machine(disk);
  await machine.start();
});
afterEach(() => machine.close());

const meanwhile = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("what an instance could not note is tried again once in a while, however often it was asked meanwhile", async () => {
  const web = { name: "web", command: ["run"] };
  await machine.up(web);
  await eventually(
    () => machine.shape(),
    ([line]) => line === "web.1 r1 running ready",
  );
  disk.refuses = true;
  await machine.up({ ...web, stop: { grace: "3s" } });
  const instance = machine.daemon.system.named<InstanceMessage>(actorNameOf({ app: "web", index: 1 }));
  for (let asked = 0; asked < 20; asked += 1) instance.send({ type: "follow" });
  await eventually(
    () => disk.refused,
    (refused) => refused >= 20,
  );
  const before = disk.refused;
  await meanwhile(1200);
  expect(disk.refused - before).toBeLessThan(6);
  disk.refuses = false;
  await eventually(
    () => machine.shape(),
    ([line]) => line === "web.1 r2 running ready",
  );
});
