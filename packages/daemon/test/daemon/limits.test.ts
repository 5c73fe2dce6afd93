import { ConstellationError } from "@constellation/contract";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
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

describe("limits that the kernel does not take while an instance runs", () => {
  const web = (memory: string, ...command: string[]) => ({ name: "web", command, instances: 3, resources: { memory } });
  const ready = (line: string): boolean => line.endsWith("running ready");
  beforeEach(async () => {
    machine.world.unbending.add("web");
    await machine.up(web("64MB", "run"));
    await eventually(
      () => machine.shape(),
      (shape) => shape.length === 3 && shape.every(ready),
    );
  });

  test("come by one new instance after the other", async () => {
    let least = 3;
    const watch = setInterval(
      () => void machine.shape().then((all) => (least = Math.min(least, all.filter(ready).length))),
      5,
    );
    await machine.up(web("32MB", "run"));
    await eventually(
      () => machine.shape(),
      (shape) => shape.length === 3 && shape.every((line) => line.includes(" r2 ") && ready(line)),
      20_000,
    );
    clearInterval(watch);
    expect(least).toBeGreaterThanOrEqual(3);
    const running = [...machine.world.runs.values()].filter(({ exit }) => exit === null);
    expect(running.map(({ resources }) => resources.memoryBytes)).toEqual([32e6, 32e6, 32e6]);
  });

  test("stop at the first instance that cannot live with them, and go when they are taken back", async () => {
    const { "web.1": one, "web.2": two, "web.3": three } = machine.pids();
    machine.world.oomBelowBytes = 48e6;
    await machine.up(web("32MB", "run"));
    await eventually(
      () => machine.status("web"),
      ({ status, detail }) => status === "degraded" && detail?.includes("web.4") === true,
    );
    expect(machine.pids()).toMatchObject({ "web.1": one, "web.2": two, "web.3": three });
    await machine.stop();
    await machine.start();
    await eventually(
      () => machine.status("web"),
      ({ detail }) => detail?.includes("3 of an earlier one still serve") === true,
    );
    expect(machine.pids()).toMatchObject({ "web.1": one, "web.2": two, "web.3": three });
    await machine.up(web("64MB", "run"));
    await eventually(
      () => machine.shape(),
      (shape) => shape.length === 3 && shape.every((line) => line.includes(" r3 ") && ready(line)),
    );
    expect(machine.pids()).toEqual({ "web.1": one, "web.2": two, "web.3": three });
  });
});
