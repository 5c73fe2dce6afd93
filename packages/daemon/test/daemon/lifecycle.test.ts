import type { AppInput } from "@constellation/contract";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventually, Machine } from "./harness.ts";

let machine: Machine;
beforeEach(async () => {
  machine = new Machine();
  await machine.start();
});
afterEach(async () => {
  await machine.close();
  expect(machine.reports).toEqual([]);
});

const web = (changes: Partial<AppInput> = {}): AppInput => ({
  name: "web",
  command: ["run"],
  instances: 3,
  ...changes,
});
const healthy = (name = "web") =>
  eventually(
    () => machine.status(name),
    ({ status }) => status === "healthy",
  );

describe("an app", () => {
  test.each([
    { restart: "always", writes: 1 },
    // Nobody may begin it a second time: that it was begun is on the disk before.
    { restart: "never", writes: 2 },
  ] as const)(
    "that is restarted $restart needs writes before its first launch: $writes",
    async ({ restart, writes }) => {
      const { store, world } = machine;
      const txn = store.txn.bind(store);
      let before = 0;
      store.txn = (...args) => {
        if (world.launched.length === 0) before += 1;
        return txn(...args);
      };
      await machine.up(web({ instances: 1, restart }));
      await healthy();
      expect(before).toBe(writes);
      const run = (await store.get("run.web.1"))?.value;
      expect(JSON.parse(Buffer.from(run ?? []).toString())).toMatchObject({
        record: { status: "launched", runId: world.launched[0] },
      });
    },
  );

  test("is heard of by followers before whoever brought it has an answer", async () => {
    const stop = new AbortController();
    const told: string[] = [];
    const reading = (async () => {
      for await (const { type } of machine.daemon.platform.events({ follow: true, tail: 0 }, { signal: stop.signal }))
        told.push(type);
    })();
    await new Promise((resolve) => setImmediate(resolve));
    await machine.up(web());
    expect(told).toContain("app.applied");
    stop.abort();
    await reading;
  });

  test("comes up, is scaled, stopped, started and removed", async () => {
    expect(await machine.up(web())).toEqual([{ app: "web", change: "created", revision: 1, differences: [] }]);
    await healthy();
    expect(await machine.shape()).toEqual([
      "web.1 r1 running ready",
      "web.2 r1 running ready",
      "web.3 r1 running ready",
    ]);
    await machine.daemon.platform.scaleApp("web", 1);
    await eventually(
      () => machine.running(),
      (names) => names.length === 1,
    );
    expect(
      await eventually(
        () => machine.shape(),
        (shape) => shape.length === 1,
      ),
    ).toEqual(["web.1 r1 running ready"]);
    await machine.daemon.platform.stopApp("web");
    expect(machine.running()).toEqual([]);
    expect(await machine.status("web")).toMatchObject({ status: "stopped", detail: null });
    expect(await machine.shape()).toEqual(["web.1 r1 stopped"]);
    await machine.daemon.platform.startApp("web");
    await healthy();
    await machine.daemon.platform.removeApp("web");
    expect(machine.running()).toEqual([]);
    expect(await machine.daemon.platform.apps()).toEqual([]);
    await expect(machine.status("web")).rejects.toMatchObject({ code: "app.not-found" });
    expect((await machine.store.list("")).items.map(({ key }) => key)).toEqual(["node.local"]);
    expect([...machine.world.intents.keys()]).toEqual([]);
    expect(machine.world.forgotten).toEqual([]);
  });

  test("keeps its data when it is removed, unless told to erase it", async () => {
    await machine.up(web());
    await healthy();
    await machine.daemon.platform.removeApp("web");
    expect(machine.world.forgotten).toEqual([]);
    await machine.up(web());
    await healthy();
    await machine.daemon.platform.removeApp("web", { erase: true });
    expect(machine.world.forgotten).toEqual(["web"]);
  });

  test("may be erased after it was removed, once", async () => {
    const erase = () => machine.daemon.platform.removeApp("web", { erase: true });
    await expect(erase()).rejects.toMatchObject({ code: "app.not-found" });
    await machine.up(web());
    await healthy();
    await machine.daemon.platform.removeApp("web");
    expect([...machine.world.kept]).toEqual(["web"]);
    await erase();
    expect([...machine.world.kept]).toEqual([]);
    await expect(erase()).rejects.toMatchObject({ code: "app.not-found" });
  });

  test("that is applied again unchanged stays as it is", async () => {
    await machine.up(web());
    await healthy();
    const pids = machine.pids();
    expect(await machine.up(web())).toEqual([{ app: "web", change: "unchanged", revision: 1, differences: [] }]);
    expect(machine.pids()).toEqual(pids);
  });

  test("is updated one by one and never has fewer than all serving", async () => {
    await machine.up(web());
    await healthy();
    let fewest = 3;
    const unwatch = setInterval(() => (fewest = Math.min(fewest, machine.running().length)), 0);
    const [change] = await machine.up(web({ env: { A: "1" } }));
    expect(change).toMatchObject({ change: "updated", revision: 2, differences: ['env.A: none -> "1" (restart)'] });
    await eventually(
      () => machine.shape(),
      (shape) => shape.length === 3 && shape.every((line) => line.includes("r2 running ready")),
    );
    clearInterval(unwatch);
    expect(fewest).toBe(3);
    expect([...(await machine.store.list("revision")).items].map(({ key }) => key)).toEqual(["revision.web.2"]);
  });

  test("keeps serving when the new revision is bad, and goes back without restarting what serves", async () => {
    await machine.up(web());
    await healthy();
    const pids = machine.pids();
    await machine.up(web({ command: ["exit 1"] }));
    const status = await eventually(
      () => machine.status("web"),
      ({ status }) => status === "degraded",
    );
    expect(status.detail).toContain("web.4 is started again after: exited with code 1");
    expect(machine.pids()).toMatchObject(pids);
    expect(await machine.up(web())).toMatchObject([{ change: "updated", revision: 3 }]);
    await eventually(
      () => machine.shape(),
      (shape) => shape.length === 3 && shape.every((line) => line.includes("r3 running ready")),
    );
    expect(machine.pids()).toEqual(pids);
  });

  test("is restarted one by one", async () => {
    await machine.up(web());
    await healthy();
    const before = Object.values(machine.pids());
    await machine.daemon.platform.restartApp("web");
    await eventually(
      () => machine.shape(),
      (shape) => shape.length === 3 && shape.every((line) => line.includes("r2 running ready")),
    );
    expect(Object.values(machine.pids()).filter((pid) => before.includes(pid))).toEqual([]);
  });

  test("takes a new restart policy over without a restart", async () => {
    await machine.up(web());
    await healthy();
    const pids = machine.pids();
    await machine.up(web({ restart: "never" }));
    await eventually(
      () => machine.shape(),
      (shape) => shape.every((line) => line.includes("r2 running ready")),
    );
    expect(machine.pids()).toEqual(pids);
  });

  test("is started again after a crash and fails when it may not be", async () => {
    await machine.up(
      web({
        instances: 1,
        command: ["run 30ms", "exit 3"],
        restart: { policy: "on-failure", intensity: 2, backoff: { initial: "5ms" } },
      }),
    );
    const status = await eventually(
      () => machine.status("web"),
      (now) => now.status === "failed",
    );
    expect(status.detail).toContain("web.1 failed: restarted 2 times within 1m; at last it exited with code 3");
    const [instance] = await machine.daemon.platform.instances("web");
    expect(instance?.restarts).toBe(2);
    await machine.up(web({ instances: 1 }));
    await healthy();
  });

  test("that has completed its work stays so", async () => {
    await machine.up(web({ instances: 2, command: ["run 10ms"], restart: "on-failure" }));
    await eventually(
      () => machine.status("web"),
      ({ status }) => status === "completed",
    );
    expect(machine.world.launched).toHaveLength(2);
  });
});

describe("an app that is being removed", () => {
  test("cannot be stopped or scaled back into being", async () => {
    await machine.up(web({ command: ["ignore SIGTERM", "run"], stop: { grace: "300ms" } }));
    await healthy();
    const { platform } = machine.daemon;
    const removal = platform.removeApp("web");
    const tried = await Promise.allSettled([platform.stopApp("web"), platform.scaleApp("web", 5)]);
    expect(tried).toMatchObject([{ reason: { code: "app.not-found" } }, { reason: { code: "app.not-found" } }]);
    await removal;
    expect(await platform.apps()).toEqual([]);
  });
});

describe("dependencies", () => {
  test("that have gone are the trouble of nobody else", async () => {
    await machine.up({ name: "db", command: ["run"] }, web({ dependsOn: ["db"] }));
    await healthy();
    const { platform } = machine.daemon;
    await platform.removeApp("db");
    expect(await machine.up({ name: "other", command: ["run"] })).toMatchObject([{ change: "created" }]);
    await platform.stopApp("other");
    await platform.startApp("other");
    await healthy("other");
    // Its own trouble is told when it is touched itself.
    await expect(machine.up(web({ dependsOn: ["db"] }))).rejects.toThrow("it depends on db");
    await platform.stopApp("web");
    await expect(platform.startApp("web")).rejects.toThrow("it depends on db");
  });
  test("are started first and stopped last", async () => {
    await machine.up(
      { name: "web", command: ["run"], dependsOn: ["api"] },
      { name: "api", command: ["run"], dependsOn: { db: "completed" } },
      { name: "db", command: ["run 50ms"], restart: "on-failure" },
    );
    expect(await machine.shape("web")).toEqual(["web.1 r1 waiting"]);
    await healthy("web");
    const order = machine.world.launched.map((runId) => machine.world.runs.get(runId)?.request.app ?? "db");
    expect(order).toEqual(["db", "api", "web"]);
    await Promise.all(["api", "web"].map((name) => machine.daemon.platform.stopApp(name)));
    const stops = (await machine.events()).flatMap((event) =>
      event.type === "instance.changed" && event.state.status === "stopped" ? [event.app] : [],
    );
    expect(stops).toEqual(["web", "api"]);
  });
});

describe("a job", () => {
  const job = (changes: Partial<AppInput> = {}): AppInput => ({
    name: "migrate",
    command: ["run 100ms"],
    restart: "never",
    ...changes,
  });
  const completed = async (revision: number) => {
    await eventually(
      () => machine.shape("migrate"),
      ([line]) => line === `migrate.1 r${revision} completed`,
    );
  };

  test("that changes is waited for anew by who changes with it", async () => {
    const after = { dependsOn: { migrate: "completed" } } as const;
    await machine.up(job(), web(after));
    await healthy();
    const told = (await machine.events()).length;
    await machine.up(job({ env: { TO: "2" } }), web({ ...after, env: { TO: "2" } }));
    expect((await machine.status("web")).detail).toContain(
      "the update waits for migrate to be completed (0 of 1 instances)",
    );
    await eventually(
      () => machine.shape("web"),
      (shape) => shape.length === 3 && shape.every((line) => line.endsWith("r2 running ready")),
    );
    const news = (await machine.events()).slice(told);
    const end = news.findIndex((event) => event.type === "instance.ended" && event.app === "migrate");
    const start = news.findIndex((event) => event.type === "instance.changed" && event.app === "web");
    expect(end).toBeGreaterThan(-1);
    expect(start).toBeGreaterThan(end);
  });

  test("that has done its work does none again for settings that need no new process", async () => {
    await machine.up(job());
    await completed(1);
    expect(await machine.up(job({ stop: { grace: "3s" }, resources: { pids: 7 } }))).toMatchObject([
      { change: "updated", revision: 2 },
    ]);
    await completed(2);
    expect((await machine.status("migrate")).status).toBe("completed");
    expect(machine.world.launched).toHaveLength(1);
    await machine.stop();
    await machine.start();
    await completed(2);
    expect(machine.world.launched).toHaveLength(1);
    await machine.up(job({ env: { MORE: "1" } }));
    await completed(3);
    expect(machine.world.launched).toHaveLength(2);
  });

  test("that is no job any more is started again", async () => {
    await machine.up(job({ restart: "on-failure" }));
    await completed(1);
    await machine.up(job({ restart: "always" }));
    await eventually(
      () => machine.world.launched,
      (launched) => launched.length >= 3,
    );
  });
});

describe("a change is refused as a whole", () => {
  const refused = async (code: string, text: string, ...apps: unknown[]) => {
    await expect(machine.daemon.platform.apply({ apps })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(text),
    });
    expect(await machine.daemon.platform.apps()).toEqual([]);
    expect(machine.world.launched).toEqual([]);
  };
  test("for a spec that is not valid", () =>
    refused("spec.invalid", "ports", web(), { name: "b", command: ["run"], ports: 1 }));
  test("for two of one name", () => refused("spec.invalid", "two of the specs have the name web", web(), web()));
  test("for a dependency that does not exist", () =>
    refused("spec.invalid", "depends on db", web({ dependsOn: ["db"] })));
  test("for a cycle", () =>
    refused(
      "spec.cycle",
      "a depends on b depends on a",
      { name: "a", command: ["run"], dependsOn: ["b"] },
      { name: "b", command: ["run"], dependsOn: ["a"] },
    ));
  test("for a missing folder", () =>
    refused("spec.invalid", "folder /no/such/place does not exist", web({ folder: "/no/such/place" })));
  test("for a file as folder", () =>
    refused("spec.invalid", "folder /etc/passwd is not a folder", web({ folder: "/etc/passwd" })));
  test("for a script without artifact", () =>
    refused("artifact.not-found", "was not bundled", { name: "s", script: "./s.ts" }));
  test("for an artifact that is not stored", () =>
    refused("artifact.not-found", "is not stored here", { name: "s", script: "./s.ts", artifact: "b".repeat(64) }));
  test("for more memory than the machine has", () =>
    refused("limit.exceeds-node", "resources.memory 900 TB exceeds", web({ resources: { memory: "900TB" } })));
  test("for a port of two apps", () =>
    refused(
      "port.in-use",
      "public port 18080 belongs to the app a",
      { name: "a", command: ["run"], port: 18080 },
      { name: "b", command: ["run"], port: 18080 },
    ));

  test("when an app is to be created and exists", async () => {
    await machine.up(web());
    await expect(machine.daemon.platform.apply({ apps: [web()], createOnly: true })).rejects.toMatchObject({
      code: "app.exists",
    });
  });
  test("a dry run changes nothing", async () => {
    expect(await machine.daemon.platform.apply({ apps: [web()], dryRun: true })).toMatchObject([{ change: "created" }]);
    expect(await machine.daemon.platform.apps()).toEqual([]);
  });
});

test("changes at the same time stand in line", async () => {
  const changes = await Promise.all(
    Array.from({ length: 10 }, (_, at) => machine.up(web({ instances: 2, env: { N: String(at) } }))),
  );
  expect(changes.map(([change]) => change?.revision)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  await eventually(
    () => machine.shape(),
    (shape) => shape.length === 2 && shape.every((line) => line.includes("r10 running ready")),
  );
});

test("a hundred instances run after one call", async () => {
  await machine.up(web({ instances: 100 }));
  await healthy();
  expect(machine.running()).toHaveLength(100);
  expect(machine.world.launched).toHaveLength(100);
});
