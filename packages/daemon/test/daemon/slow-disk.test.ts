import { MemoryStateStore, type Rev, type Txn, type TxnOptions } from "@constellation/engine";
import { afterEach, beforeEach, test } from "vitest";
import { eventually, Machine } from "./harness.ts";

/** A store whose deletions are seen at once, and kept by the disk a moment later. */
class SlowDisk extends MemoryStateStore {
  override async txn(txn: Txn, options: TxnOptions = {}): Promise<Rev> {
    const rev = await super.txn(txn, options);
    if ((txn.del ?? []).length > 0) await new Promise((resolve) => setTimeout(resolve, 200));
    return rev;
  }
}

let machine: Machine;
beforeEach(async () => {
  machine = new Machine(new SlowDisk());
  await machine.start();
});
afterEach(() => machine.close());

test("an instance that is wanted again while its end is being kept starts at once, not with the next sweep", async () => {
  await machine.up({ name: "web", command: ["run"], instances: 3 });
  await eventually(
    () => machine.running(),
    (names) => names.length === 3,
  );
  const { platform } = machine.daemon;
  await platform.scaleApp("web", 1);
  await eventually(
    () => machine.shape(),
    (shape) => shape.length === 1,
  );
  await platform.scaleApp("web", 3);
  await eventually(
    () => machine.running(),
    (names) => names.length === 3,
    2000,
  );
});
