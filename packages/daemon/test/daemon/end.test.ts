import { afterEach, beforeEach, expect, test } from "vitest";
import { actorNameOf, type InstanceMessage } from "../../src/agent/index.ts";
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

test("the next one starts them in the order of their dependencies", async () => {
  const apps = () =>
    machine.up(
      { name: "web", command: ["run"], dependsOn: ["api"] },
      { name: "api", command: ["run"], dependsOn: ["db"] },
      { name: "db", command: ["start 100ms", "run"] },
    );
  await apps();
  await healthy("web");
  await machine.daemon.platform.stopDaemon({ instances: true });
  expect(machine.running()).toEqual([]);
  await machine.stop();
  const before = machine.world.launched.length;
  await machine.start();
  await healthy("web");
  const launched = machine.world.launched.slice(before).map((runId) => machine.world.runs.get(runId)?.request.app);
  expect(launched).toEqual(["db", "api", "web"]);
});

test("an update under way goes along", async () => {
  await machine.up({ name: "web", instances: 3, ...stubborn });
  await healthy("web");
  await machine.up({ name: "web", instances: 3, env: { NEW: "1" }, ...stubborn });
  await machine.daemon.platform.stopDaemon({ instances: true });
  expect(machine.running()).toEqual([]);
});

test("when the daemon goes on after all, what has done its work is not done again, and what was given up is not tried", async () => {
  const once = { restart: "never" } as const;
  await machine.up(
    { name: "job", command: ["exit 0"], ...once },
    { name: "lost", command: ["exit 3"], ...once },
    { name: "web", command: ["run"] },
  );
  await healthy("web");
  await eventually(
    () => machine.shape(),
    (shape) => shape.includes("job.1 r1 completed") && shape.includes("lost.1 r1 failed"),
  );
  const { "web.1": before } = machine.pids();
  for (const app of ["job", "lost", "web"]) {
    const { system } = machine.daemon;
    system.named<InstanceMessage>(actorNameOf({ app, index: 1 })).send({ type: "end" });
    system.named<InstanceMessage>(actorNameOf({ app, index: 1 })).send({ type: "go-on" });
  }
  await eventually(
    () => machine.pids()["web.1"],
    (pid) => pid !== undefined && pid !== before,
  );
  expect(await machine.shape()).toEqual(["job.1 r1 completed", "lost.1 r1 failed", "web.1 r1 running ready"]);
  const ends = (await machine.events()).flatMap((event) => (event.type === "instance.ended" ? [event.instance] : []));
  expect(ends.sort()).toEqual(["job.1", "lost.1", "web.1"]);
});
