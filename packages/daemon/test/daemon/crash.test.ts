import { snapshot } from "@constellation/actors";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventually, Machine } from "./harness.ts";

let machine: Machine;
beforeEach(async () => {
  machine = new Machine();
  await machine.start();
});
afterEach(() => machine.close());

const web = { name: "web", command: ["run"], instances: 3 };
const healthy = () =>
  eventually(
    () => machine.status("web"),
    ({ status }) => status === "healthy",
  );

describe("a fault in one part of the daemon restarts that part only", () => {
  // A message that no part understands stands for any bug: its handler throws.
  const bug = { type: "life", event: null } as never;

  test("of an instance's keeper: the instance notices nothing", async () => {
    await machine.up(web);
    await healthy();
    const pids = machine.pids();
    const { registry } = machine.daemon.system;
    const before = registry.whereIs("instance.web.2");
    before?.send(bug);
    await eventually(
      () => registry.whereIs("instance.web.2")?.id,
      (id) => id !== undefined && id !== before?.id,
    );
    await healthy();
    expect(machine.pids()).toEqual(pids);
    expect(machine.world.launched).toHaveLength(3);
    expect(machine.reports.some((text) => text.includes("instance"))).toBe(true);
    // The replacement keeps it as well as the first one did.
    machine.world.runs.forEach((run) => run.request.index === 2 && run.program.signal("SIGSEGV"));
    await eventually(
      () => machine.pids()["web.2"],
      (pid) => pid !== undefined && pid !== pids["web.2"],
    );
    await healthy();
  });

  test("of a keeper that crashes in a row: whoever is sooner takes its place, and nobody else", async () => {
    await machine.up({ ...web, instances: 1 });
    await healthy();
    const { registry } = machine.daemon.system;
    const present = () =>
      eventually(
        () => registry.whereIs("instance.web.1"),
        (ref) => ref !== undefined,
      );
    for (let crashes = 0; crashes < 7; crashes += 1) {
      const ref = await present();
      ref?.send(bug);
      await eventually(
        () => registry.whereIs("instance.web.1")?.id,
        (id) => id !== ref?.id,
      );
    }
    // Its supervisor waits by now, and a change does not.
    expect(registry.whereIs("instance.web.1")).toBeUndefined();
    await machine.daemon.platform.restartApp("web");
    const { id } = (await present()) ?? {};
    const { restarts } = snapshot(machine.daemon.system);
    await new Promise((resolve) => setTimeout(resolve, 4500));
    expect(registry.whereIs("instance.web.1")?.id).toBe(id);
    // The one that was to come back has found its place taken, once.
    expect(snapshot(machine.daemon.system).restarts - restarts).toBeLessThanOrEqual(1);
    await healthy();
    expect(machine.running()).toEqual(["web.1"]);
  });

  test.each(["scheduler", "agent", "instances"])("of the %s", async (part) => {
    await machine.up(web);
    await healthy();
    const pids = machine.pids();
    const { system } = machine.daemon;
    const before = system.registry.whereIs(part);
    if (before === undefined) throw new Error(`there is no ${part}`);
    system.kill(before);
    await eventually(
      () => system.registry.whereIs(part)?.id,
      (id) => id !== undefined && id !== before.id,
    );
    await machine.daemon.platform.scaleApp("web", 4);
    await eventually(
      () => machine.running(),
      (names) => names.length === 4,
      15_000,
    );
    await healthy();
    expect(machine.pids()).toMatchObject(pids);
    expect(machine.world.launched).toHaveLength(4);
  });
});

test("an instance that crashes by the hundred is slowed down and harms nobody", async () => {
  await machine.up(web, {
    name: "bad",
    command: ["exit 1"],
    instances: 20,
    restart: { backoff: { initial: "10ms", max: "50ms" } },
  });
  await healthy();
  await new Promise((resolve) => setTimeout(resolve, 500));
  const status = await machine.status("bad");
  expect(status.status).toBe("degraded");
  expect(machine.running().filter((name) => name.startsWith("web"))).toHaveLength(3);
  await machine.daemon.platform.removeApp("bad");
  expect(machine.running()).toEqual(["web.1", "web.2", "web.3"]);
});

test("data that cannot be erased holds only its own app up", async () => {
  await machine.up(web, { ...web, name: "held" });
  await healthy();
  const { forgotten } = machine.world;
  forgotten.push = () => {
    throw new Error("EBUSY: resource busy or locked");
  };
  const removal = machine.daemon.platform.removeApp("held", { erase: true });
  await eventually(
    () => machine.reports.join("\n"),
    (reports) => reports.includes("the data and logs of held could not be erased"),
  );
  // A sweep looks at all of them: this one would never come to `late` if it failed as a whole.
  machine.daemon.system.named<{ type: "sweep" }>("scheduler").send({ type: "sweep" });
  await machine.up({ ...web, name: "late", dependsOn: ["web"] });
  await eventually(
    () => machine.status("late"),
    ({ status }) => status === "healthy",
  );
  expect(machine.reports.filter((text) => text.includes("a pass of the scheduler failed"))).toEqual([]);
  Reflect.deleteProperty(forgotten, "push");
  machine.daemon.system.named<{ type: "sweep" }>("scheduler").send({ type: "sweep" });
  await removal;
  expect(forgotten).toEqual(["held"]);
});

test("a store that cannot be watched for a while is waited for", async () => {
  await machine.stop();
  const watch = machine.store.watch.bind(machine.store);
  const awayUntil = Date.now() + 500;
  machine.store.watch = (...args) => {
    if (Date.now() < awayUntil) throw new Error("disk I/O error");
    return watch(...args);
  };
  await machine.start();
  await machine.up(web);
  await healthy();
  expect(machine.reports.filter((text) => text.startsWith("lost"))).toEqual([]);
});

test("a part that crashes without end takes the daemon along, and whoever runs it is told", async () => {
  const { system } = machine.daemon;
  for (let times = 0; times < 25; times += 1) {
    const scheduler = system.registry.whereIs("scheduler");
    if (scheduler !== undefined) system.kill(scheduler);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await eventually(
    () => machine.reports,
    (reports) => reports.some((text) => text.startsWith("lost")),
  );
});

test("a daemon that is stopped is not lost", async () => {
  await machine.stop();
  expect(machine.reports).toEqual([]);
});
