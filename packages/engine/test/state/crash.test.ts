import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { beginning, openSqliteState, type SqliteStateStore } from "../../src/index.ts";
import { randomFrom } from "../../src/conformance/runner.ts";
import { namesIn, scratch } from "../scratch.ts";

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const rounds = Number(process.env["CONSTELLATION_CRASH_ROUNDS"] ?? 25);

/** When a writer is killed: counted from its start, or from when it has opened the file. */
interface Moment {
  readonly since: "start" | "open";
  readonly afterMs: number;
}

/** Runs a writer and kills it; the numbers that it got acknowledged, and how long it took to open the file. */
async function killedWriter(
  path: string,
  atOnce: number,
  { since, afterMs }: Moment,
): Promise<{ numbers: number[]; openedMs: number }> {
  const startMs = performance.now();
  const child = spawn(process.execPath, [fixture("state-writer.mjs"), path, String(atOnce)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const kill = (): void => void child.kill("SIGKILL");
  let killer = since === "start" ? setTimeout(kill, afterMs) : undefined;
  let openedMs = 0;
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    if (output === "") {
      openedMs = performance.now() - startMs;
      killer ??= setTimeout(kill, afterMs);
    }
    output += text;
  });
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  clearTimeout(killer);
  expect([code, signal]).toEqual([null, "SIGKILL"]);
  const acknowledged = output.split("\n").slice(0, -1);
  return { numbers: acknowledged.filter((line) => line !== "open").map(Number), openedMs };
}

async function numberIn(store: SqliteStateStore, key: string): Promise<number> {
  return Number(new TextDecoder().decode((await store.get(key))?.value) || "0");
}

test(`kill -9 at any moment leaves every acknowledged transaction whole and no other half (${rounds} rounds)`, async () => {
  expect(
    existsSync(fileURLToPath(new URL("../../dist/index.js", import.meta.url))),
    "run tsc -b packages/engine first",
  ).toBe(true);
  const random = randomFrom(Date.now() % 100_000);
  const directory = scratch();
  let path = join(directory, "0", "state.db");
  let last = 0;
  let acknowledged = 0;
  let usualOpenedMs = 100;
  for (let round = 0; round < rounds; round += 1) {
    // Now and then a new file, so that creating it is cut short, too.
    if (round % 5 === 0) {
      path = join(directory, String(round), "state.db");
      last = 0;
    }
    const moment: Moment =
      round % 5 === 0 && round > 0
        ? { since: "start", afterMs: random(Math.ceil(usualOpenedMs * 1.3)) }
        : { since: "open", afterMs: random(150) };
    const { numbers, openedMs } = await killedWriter(path, random(2) ? 1 : 20, moment);
    if (openedMs > 0) usualOpenedMs = openedMs;
    acknowledged += numbers.length;
    const store = openSqliteState({ path });
    const [a, b] = [await numberIn(store, "pair.a"), await numberIn(store, "pair.b")];
    expect(a).toBe(b);
    expect(a).toBeGreaterThanOrEqual(Math.max(last, ...numbers));
    for (const number of numbers.slice(-50)) {
      const settled = await store.settle(`n-${number}`, beginning);
      expect(settled.outcome === "applied" || number < a - 400, `transaction ${number} is lost`).toBe(true);
    }
    await unbroken(store, a);
    last = a;
    await store.close();
    expect(namesIn(join(path, ".."))).toEqual(["state.db"]);
  }
  expect(acknowledged, "no writer got as far as a transaction").toBeGreaterThan(rounds);
}, 600_000);

// The kept history counts up by one to the present value.
async function unbroken(store: SqliteStateStore, newest: number): Promise<void> {
  if (newest === 0) return;
  let previous: number | undefined;
  for await (const event of store.watch("pair.a", beginning)) {
    if (event.resync) break;
    const number = Number(new TextDecoder().decode(event.changes[0]?.value ?? undefined));
    if (previous !== undefined) expect(number).toBe(previous + 1);
    previous = number;
    if (number === newest) break;
  }
}

test("a second process is refused with the first one's pid, and let in when that was killed", async () => {
  const path = join(scratch(), "state.db");
  const holder = spawn(process.execPath, [fixture("state-holder.mjs"), path], { stdio: ["pipe", "pipe", "inherit"] });
  expect(String((await once(holder.stdout, "data"))[0])).toBe("open\n");
  const refused = spawn(process.execPath, [fixture("state-holder.mjs"), path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const answer = JSON.parse(String((await once(refused.stdout, "data"))[0])) as {
    code: string;
    holderPid: number;
    message: string;
  };
  expect(answer).toMatchObject({ code: "unavailable", holderPid: holder.pid });
  expect(answer.message).toContain(path);
  await once(refused, "close");
  holder.kill("SIGKILL");
  await once(holder, "close");
  const store = openSqliteState({ path });
  await store.txn({ put: [{ key: "a", value: new Uint8Array(1) }] });
  await store.close();
});
