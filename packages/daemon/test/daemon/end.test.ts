import { afterEach, beforeEach, expect, test } from "vitest";
import { eventually, Machine } from "./harness.ts";

let machine: Machine;
beforeEach(async () => {
  machine = new Machine();
  await machine.start();
});
afterEach(() => machine.close());

const stubborn = { command: ["ignore SIGTERM", "run"], stop: { grace: "300ms" } };
const healthy = (name: string) =>
  eventually(
    () => machine.status(name),
    ({ status }) => status === "healthy",
  );

test("while the daemon takes its instances along nothing comes to life, and the next one has what is wanted", async () => {
  await machine.up({ name: "web", instances: 3, ...stubborn });
  await healthy("web");
  const { platform } = machine.daemon;
  const end = platform.stopDaemon({ instances: true });
  // At the same moment it may still be before the end, and goes along; later it is refused.
  const early = Promise.allSettled([platform.scaleApp("web", 4), machine.up({ name: "early", command: ["run"] })]);
  await eventually(
    () => machine.shape(),
    (shape) => shape.some((line) => line.includes("stopping")),
  );
  await expect(machine.up({ name: "late", command: ["run"] })).rejects.toMatchObject({ code: "daemon.busy" });
  await expect(platform.startApp("web")).rejects.toMatchObject({ code: "daemon.busy" });
  await end;
  expect(machine.running()).toEqual([]);
  const taken = (await early).filter(({ status }) => status === "fulfilled").length;
  await machine.stop();
  await machine.start();
  await eventually(
    () => machine.running(),
    (names) => names.length === (taken === 0 ? 3 : 5),
  );
});

test("an update under way goes along", async () => {
  await machine.up({ name: "web", instances: 3, ...stubborn });
  await healthy("web");
  await machine.up({ name: "web", instances: 3, env: { NEW: "1" }, ...stubborn });
  await machine.daemon.platform.stopDaemon({ instances: true });
  expect(machine.running()).toEqual([]);
});
