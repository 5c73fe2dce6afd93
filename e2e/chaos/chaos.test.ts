import { setTimeout as sleep } from "node:timers/promises";
import { ConstellationError } from "@constellation/contract";
import { afterEach, expect, test } from "vitest";
import { attack, type Victim } from "./attacks.ts";
import { differencesAtRest, gapsInLogs, leaks } from "./invariants.ts";
import { Chance } from "./random.ts";
import { World } from "./world.ts";

/** `npm run chaos` makes it five minutes. */
const seconds = Number(process.env["CONSTELLATION_CHAOS_SECONDS"] ?? 20);
const seed = Number(process.env["CONSTELLATION_CHAOS_SEED"] ?? Date.now() % 2 ** 31);
const restTimeoutMs = 60_000;

let world: World | null = null;
afterEach(() => world?.destroy());

test.runIf(process.platform === "linux")(
  `${seconds} seconds of kill -9 leave everything as it was wanted`,
  { timeout: seconds * 1000 + 240_000 },
  async () => {
    const here = (world = new World());
    console.log(`seed ${seed}: CONSTELLATION_CHAOS_SEED=${seed} draws the same attacks and changes again`);
    const chance = new Chance(seed);
    const wanted = new Map([
      ["alpha", 3],
      ["beta", 2],
      ["gamma", 1],
      ["delta", 2],
    ]);
    await here.daemon();
    await here.client.apply([
      here.app("alpha", 3),
      here.app("beta", 2, { port: 21_730 + (seed % 100) }),
      here.app("gamma", 1, { dependsOn: { alpha: "started" } }),
      here.server("delta", 2, 21_900 + (seed % 100)),
    ]);
    const killed = new Map<Victim, number>();
    const end = Date.now() + seconds * 1000;
    for (let round = 0; Date.now() < end; round += 1) {
      // Each round draws from a chance of its own, so that it is the same whatever the rounds before it met.
      const drawn = chance.fork();
      const victim = attack(here, drawn);
      if (victim !== null) killed.set(victim, (killed.get(victim) ?? 0) + 1);
      await sleep(drawn.between(20, 250));
      if (drawn.next() < 0.6) await tolerant(() => here.daemon());
      if (drawn.next() < 0.25) await change(here, drawn, wanted);
    }
    console.log(`killed: ${[...killed].map(([victim, count]) => `${count} ${victim}`).join(", ")}`);
    expect(killed.get("daemon") ?? 0).toBeGreaterThan(0);
    expect([...killed.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(seconds / 2);

    await here.daemon();
    await settle(here, wanted);
    const differences = await eventuallyNone(() => differencesAtRest(here, wanted));
    expect(differences, here.daemonLog().slice(-4000)).toEqual([]);
    const names = [...wanted].flatMap(([app, count]) => Array.from({ length: count }, (_, at) => `${app}.${at + 1}`));
    await provesThatItLooks(here);
    const { gaps, lines } = await gapsInLogs(here, names);
    expect(gaps).toEqual([]);
    expect(lines).toBeGreaterThan(100);

    await Promise.all([...wanted.keys()].map((app) => here.client.remove(app)));
    expect(await eventuallyNone(async () => leaks(here))).toEqual([]);
    await here.client.stopDaemon();
    expect(await eventuallyNone(async () => here.platform().map(({ pid, command }) => `${pid}: ${command}`))).toEqual(
      [],
    );
    expect(here.controlGroupBases()).toEqual([]);
  },
);

/** The search for leaks must be able to find something: while instances run it does. */
async function provesThatItLooks(here: World): Promise<void> {
  expect(here.leftovers().length).toBeGreaterThan(0);
  expect(here.workload().length).toBeGreaterThan(0);
  const { measures } = await here.client.instance("alpha.1");
  const limited = measures.some(({ name, state }) => name === "limit.memory" && state === "on");
  if (limited) expect(here.controlGroups().length).toBeGreaterThan(0);
}

/** A change by a user. It may meet a dying daemon; then it is not known whether it was done, and asked for again at the end. */
async function change(here: World, chance: Chance, wanted: Map<string, number>): Promise<void> {
  const app = chance.pick([...wanted.keys()]) ?? "alpha";
  const count = chance.between(1, 4);
  const what = chance.between(1, 4);
  await tolerant(async () => {
    if (what === 1) {
      wanted.set(app, count);
      await here.client.scale(app, count);
    }
    if (what === 2) await here.client.restart(app);
    if (what === 3) {
      await here.client.stop(app);
      await here.client.start(app);
    }
    if (what === 4)
      await here.client.apply(
        here.app("alpha", wanted.get("alpha") ?? 1, { env: { RUN: String(chance.between(2, 1000)) } }),
      );
  });
}

/** Asks for everything once more, now that nobody is killed. */
async function settle(here: World, wanted: ReadonlyMap<string, number>): Promise<void> {
  for (const [app, count] of wanted) {
    await here.client.start(app);
    await here.client.scale(app, count);
  }
}

const expected = new Set([
  "daemon.unreachable",
  "call.timeout",
  "daemon.start-failed",
  "daemon.busy",
  "state.conflict",
  "port.in-use",
]);

async function tolerant(call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!(error instanceof ConstellationError) || !expected.has(error.code)) throw error;
  }
}

/** Looks until nothing is found, or gives what is still found after a while. */
async function eventuallyNone(look: () => Promise<string[]>): Promise<string[]> {
  const end = Date.now() + restTimeoutMs;
  for (;;) {
    const found = await look();
    if (found.length === 0 || Date.now() > end) return found;
    await sleep(200);
  }
}
