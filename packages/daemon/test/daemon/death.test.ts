import type { AppInput } from "@constellation/contract";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventually, Machine } from "./harness.ts";
import { Death } from "./mortal.ts";

let machine: Machine;
beforeEach(() => {
  machine = new Machine();
});
afterEach(() => machine.close());

const app = (name: string, changes: Partial<AppInput> = {}): AppInput => ({
  name,
  command: ["run"],
  instances: 2,
  health: probed,
  ...changes,
});
const probed = { startup: { exec: ["exit 0"] }, readiness: { exec: ["exit 0"] } };

/** Lets so many more transactions through; at the next one the daemon dies. Returns how to let all through again. */
function diesAfter(transactions: number, death: Death): () => void {
  const { store } = machine;
  const txn = store.txn.bind(store);
  let left = transactions;
  store.txn = (...args) => {
    left -= 1;
    if (left >= 0) return txn(...args);
    death.now();
    return new Promise<never>(() => undefined);
  };
  return () => (store.txn = txn);
}

/** Everything a user would see at rest, and what really runs. */
async function atRest(expected: Record<string, number>): Promise<void> {
  await eventually(
    async () => ({
      running: machine.running(),
      apps: await machine.daemon.platform.apps(),
      shape: await machine.shape(),
    }),
    ({ running, apps, shape }) => {
      const wanted = Object.entries(expected)
        .flatMap(([name, count]) => Array.from({ length: count }, (_, at) => `${name}.${at + 1}`))
        .sort();
      return (
        JSON.stringify(running) === JSON.stringify(wanted) &&
        shape.length === wanted.length &&
        shape.every((line) => line.endsWith("running ready")) &&
        apps.length === Object.keys(expected).length
      );
    },
  );
  // Nothing is doubled, nothing is left of runs that are over.
  expect([...machine.world.intents.keys()].sort()).toEqual(
    [...machine.world.runs.values()]
      .filter(({ exit }) => exit === null)
      .map(({ request }) => request.runId)
      .sort(),
  );
}

describe("a daemon that is killed", () => {
  test("leaves its instances running, and the next one adopts them with their pids", async () => {
    const death = new Death(Infinity);
    await machine.start(death);
    await machine.up(app("web", { instances: 20 }));
    await atRest({ web: 20 });
    const pids = machine.pids();
    death.now();
    await machine.bury();
    await machine.start();
    await atRest({ web: 20 });
    expect(machine.pids()).toEqual(pids);
    expect(machine.world.launched).toHaveLength(20);
    const starts = async () =>
      (await machine.events()).flatMap((event) => (event.type === "daemon.started" ? [event.adopted] : []));
    await eventually(starts, (adopted) => adopted.length === 2);
    expect(await starts()).toEqual([0, 20]);
  });

  test("before it could launch what it had written down: the next one launches it, once, and has adopted nothing", async () => {
    const death = new Death(Infinity);
    await machine.start(death);
    const { store } = machine;
    const txn = store.txn.bind(store);
    store.txn = async (...args) => {
      const rev = await txn(...args);
      if (args[0].put?.some(({ key }) => key === "run.web.1") === true) death.now();
      return rev;
    };
    void machine.up(app("web", { instances: 1 })).catch(() => undefined);
    await death.happened;
    store.txn = txn;
    await machine.bury();
    expect((await machine.store.list("run")).items.map(({ key }) => key)).toEqual(["run.web.1"]);
    expect(machine.world.launched).toEqual([]);
    const told = machine.archive.events.length;
    await machine.start();
    await atRest({ web: 1 });
    expect(machine.world.launched).toHaveLength(1);
    const starts = async () =>
      (await machine.events()).slice(told).flatMap((event) => (event.type === "daemon.started" ? [event.adopted] : []));
    expect(await eventually(starts, (adopted) => adopted.length > 0)).toEqual([0]);
  });

  test("finds out how instances ended while it was dead", async () => {
    const death = new Death(Infinity);
    await machine.start(death);
    await machine.up(
      app("job", { instances: 1, command: ["run 80ms", "exit 7"], restart: "never" }),
      app("done", { instances: 1, command: ["run 80ms"], restart: "on-failure" }),
    );
    await eventually(
      () => machine.running(),
      (names) => names.length === 2,
    );
    death.now();
    await machine.bury();
    await eventually(
      () => machine.running(),
      (names) => names.length === 0,
    );
    await machine.start();
    expect(
      await eventually(
        () => machine.status("job"),
        ({ status }) => status === "failed",
      ),
    ).toMatchObject({
      detail: "job.1 failed: exited with code 7; 0 of 1 ready",
    });
    await eventually(
      () => machine.status("done"),
      ({ status }) => status === "completed",
    );
    await machine.stop();
    await machine.start();
    // What was found out stays known: nothing is tried again by the third daemon.
    expect(await machine.shape()).toEqual(["done.1 r1 completed", "job.1 r1 failed"]);
    expect(machine.world.launched).toHaveLength(2);
  });

  test("counts restarts on over its death", async () => {
    const death = new Death(Infinity);
    await machine.start(death);
    await machine.up(
      app("web", {
        instances: 1,
        command: ["run 20ms", "exit 1"],
        restart: { backoff: { initial: "30ms", factor: 1 } },
      }),
    );
    await eventually(
      async () => (await machine.daemon.platform.instances())[0]?.restarts ?? 0,
      (restarts) => restarts >= 2,
    );
    death.now();
    await machine.bury();
    await machine.start();
    await eventually(
      async () => (await machine.daemon.platform.instances())[0]?.restarts ?? 0,
      (restarts) => restarts >= 3,
    );
  });

  test("and apps removed meanwhile from its state: what still runs of them is ended", async () => {
    const death = new Death(Infinity);
    await machine.start(death);
    await machine.up(app("web"));
    await atRest({ web: 2 });
    death.now();
    await machine.bury();
    const { items } = await machine.store.list("");
    await machine.store.txn({ del: items.map(({ key }) => key) });
    await machine.start();
    await atRest({});
  });

  test("with the machine: after a reboot everything is started again in order", async () => {
    await machine.start();
    await machine.up(app("web", { instances: 1, dependsOn: ["db"] }), app("db", { instances: 1 }));
    await atRest({ db: 1, web: 1 });
    await machine.stop();
    machine.world.runs.clear();
    machine.world.intents.clear();
    machine.world.launched.length = 0;
    machine.boot = "second boot";
    await machine.start();
    await atRest({ db: 1, web: 1 });
    expect(machine.world.launched.map((runId) => machine.world.runs.get(runId)?.request.app)).toEqual(["db", "web"]);
  });
});

/** What users do, with daemons dying at any call to the world. */
const steps: readonly {
  readonly run: (machine: Machine) => Promise<unknown>;
  readonly rest: Record<string, number>;
}[] = [
  { run: (m) => m.up(app("web"), app("db", { instances: 1 })), rest: { web: 2, db: 1 } },
  { run: (m) => m.up(app("web", { env: { A: "1" } })), rest: { web: 2, db: 1 } },
  { run: (m) => m.daemon.platform.scaleApp("web", 3), rest: { web: 3, db: 1 } },
  { run: (m) => m.daemon.platform.restartApp("db"), rest: { web: 3, db: 1 } },
  { run: (m) => m.daemon.platform.scaleApp("web", 1), rest: { web: 1, db: 1 } },
  { run: (m) => m.daemon.platform.removeApp("db"), rest: { web: 1 } },
];

/** Goes through all steps; where the daemon dies the next one takes over, and the step is asked for again if it was lost. */
async function live(deaths: readonly number[]): Promise<number> {
  let lives = 0;
  let death = new Death(deaths[0] ?? Infinity);
  await startUntilAlive();
  for (const { run, rest } of steps) {
    for (;;) {
      const outcome = await Promise.race([attempt(() => run(machine)), death.happened.then(() => "died" as const)]);
      if (outcome === "done" && (await restOrDeath(rest)) === "rest") break;
      await next();
    }
  }
  return lives;

  async function restOrDeath(rest: Record<string, number>): Promise<"rest" | "died"> {
    return Promise.race([atRest(rest).then(() => "rest" as const), death.happened.then(() => "died" as const)]);
  }
  async function next(): Promise<void> {
    await machine.bury();
    lives += 1;
    death = new Death(deaths[lives] ?? Infinity);
    await startUntilAlive();
  }
  /** A daemon may die while it starts. */
  async function startUntilAlive(): Promise<void> {
    while (
      (await Promise.race([
        machine.start(death).then(() => "up" as const),
        death.happened.then(() => "died" as const),
      ])) === "died"
    ) {
      lives += 1;
      death = new Death(deaths[lives] ?? Infinity);
    }
  }
}

/** A step that was done before its daemon died is refused or changes nothing the second time. */
async function attempt(run: () => Promise<unknown>): Promise<"done"> {
  try {
    await run();
  } catch (error) {
    if ((error as { code?: string }).code !== "app.not-found" && (error as { code?: string }).code !== "state.conflict")
      throw error;
    if ((error as { code?: string }).code === "state.conflict") {
      await new Promise((resolve) => setTimeout(resolve, 10));
      return attempt(run);
    }
  }
  return "done";
}

test("an application of more than one transaction is made as a whole, or not at all", { timeout: 60_000 }, async () => {
  // An odd number of keys before those of the many: in the end a run lies in another transaction than its allocation.
  const apps = () => [app("job", { instances: 1, restart: "never" }), app("big", { instances: 150 }), app("small")];
  const keys = async () => (await machine.store.list("")).items.map(({ key }) => key);
  const outcomes = new Set<string>();
  for (let transactions = 0; transactions < 5; transactions += 1) {
    const death = new Death(Infinity);
    await machine.start(death);
    const revive = diesAfter(transactions, death);
    const apply = machine.up(...apps()).catch(() => undefined);
    await Promise.race([death.happened, apply]);
    death.now();
    await machine.bury();
    revive();
    await machine.start();
    const made = (await machine.daemon.platform.apps()).length > 0;
    outcomes.add(made ? "made" : "not made");
    if (made) await atRest({ job: 1, big: 150, small: 2 });
    else await eventually(keys, (left) => left.every((key) => key.startsWith("node.")));
    await machine.up(...apps());
    await atRest({ job: 1, big: 150, small: 2 });
    await machine.close();
    machine = new Machine();
  }
  expect(outcomes).toEqual(new Set(["made", "not made"]));
});

describe("whatever call to the world is a daemon's last", () => {
  test("the next one makes everything as wanted, and nothing is doubled", { timeout: 120_000 }, async () => {
    for (let calls = 1; calls <= 120; calls += 4) {
      const lives = await live([calls]);
      expect(lives).toBeLessThanOrEqual(1);
      await machine.close();
      machine = new Machine();
    }
  });

  test("however many die one after the other", { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 12 }), async (deaths) => {
        await live(deaths);
        await machine.close();
        machine = new Machine();
      }),
      { numRuns: 8, endOnFailure: true },
    );
  });
});
