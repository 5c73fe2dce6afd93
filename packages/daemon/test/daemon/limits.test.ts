import { ConstellationError } from "@constellation/contract";
import { afterEach, beforeEach, expect, test } from "vitest";
import { eventually, Machine } from "./harness.ts";

let machine: Machine;
beforeEach(async () => {
  machine = new Machine();
  await machine.start();
});
afterEach(() => machine.close());

test("new limits reach running instances without a restart, and stay over the daemon's end", async () => {
  const web = (memory: string) => ({ name: "web", command: ["run"], instances: 2, resources: { memory } });
  await machine.up(web("64MB"));
  await eventually(
    () => machine.status("web"),
    ({ status }) => status === "healthy",
  );
  const pids = machine.pids();
  const [change] = await machine.up(web("128MB"));
  expect(change).toMatchObject({
    change: "updated",
    differences: ["resources.memoryBytes: 64 MB -> 128 MB (live)"],
  });
  await eventually(
    () => machine.shape(),
    (shape) => shape.every((line) => line.includes("r2 running ready")),
  );
  expect(machine.pids()).toEqual(pids);
  const limits = () => [...machine.world.runs.values()].map(({ resources }) => resources.memoryBytes);
  expect(limits()).toEqual([128e6, 128e6]);
  await machine.stop();
  await machine.start();
  await eventually(
    () => machine.status("web"),
    ({ status }) => status === "healthy",
  );
  expect(machine.pids()).toEqual(pids);
  expect(limits()).toEqual([128e6, 128e6]);
});

test("what this machine cannot do is refused before anything is changed, for all apps of the call", async () => {
  await machine.up({ name: "web", command: ["run"], env: { A: "1" } });
  await eventually(
    () => machine.status("web"),
    ({ status }) => status === "healthy",
  );
  const pids = machine.pids();
  const before = await machine.daemon.platform.app("web");
  const refusal = new ConstellationError("limit.unenforceable", "Cannot apply big: no memory controller");
  machine.world.refusals.set("big", refusal);
  const big = { name: "big", command: ["run"] };
  for (const dryRun of [true, false]) {
    const call = machine.daemon.platform.apply({
      apps: [{ name: "web", command: ["run"], env: { A: "2" } }, big],
      dryRun,
    });
    await expect(call).rejects.toMatchObject({ code: "limit.unenforceable" });
  }
  expect(machine.pids()).toEqual(pids);
  expect(await machine.daemon.platform.app("web")).toEqual(before);
  expect((await machine.daemon.platform.apps()).map(({ name }) => name)).toEqual(["web"]);
  machine.world.refusals.clear();
  await machine.up(big);
  await eventually(
    () => machine.status("big"),
    ({ status }) => status === "healthy",
  );
});
