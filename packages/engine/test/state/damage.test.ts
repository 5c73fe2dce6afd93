import assert from "node:assert/strict";
import { copyFileSync, existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Item, isEngineError, openSqliteState, type Rev } from "../../src/index.ts";
import { randomFrom } from "../../src/conformance/runner.ts";
import { scratch } from "../scratch.ts";

const value = (text: string): Uint8Array => new TextEncoder().encode(text);

async function madeFile(): Promise<{ path: string; items: readonly Item[] }> {
  const path = join(scratch(), "state.db");
  const store = openSqliteState({ path });
  for (let index = 0; index < 40; index += 1) {
    await store.txn({ put: [{ key: `k.${index}`, value: value(`${index} `.repeat(200)) }] });
  }
  const { items } = await store.list("");
  await store.close();
  return { path, items };
}

/** Opens and reads all: the items, or "corrupt". Anything else throws. */
async function readAll(path: string): Promise<readonly Item[] | "corrupt"> {
  try {
    const store = openSqliteState({ path });
    try {
      return (await store.list("")).items;
    } finally {
      await store.close();
    }
  } catch (error) {
    if (!isEngineError(error, "corrupt")) throw error;
    expect(error.message).toContain(path);
    expect(error.message).toContain("nothing was changed");
    return "corrupt";
  }
}

describe("a damaged file is an error that says what to do, never an empty store", () => {
  test("emptied, cut to any length, replaced by garbage, or missing beside its log", async () => {
    const { path } = await madeFile();
    const size = statSync(path).size;
    const copy = `${path}.copy`;
    copyFileSync(path, copy);
    for (const length of [0, 1, 99, 100, 4096, 8192, Math.floor(size / 2), size - 4096, size - 1]) {
      copyFileSync(copy, path);
      truncateSync(path, length);
      expect(await readAll(path), `cut to ${length} of ${size}`).toBe("corrupt");
      expect(statSync(path).size, "the damaged file was changed").toBe(length);
    }
    writeFileSync(path, "x".repeat(size));
    expect(await readAll(path)).toBe("corrupt");
    rmSync(path);
    writeFileSync(`${path}-wal`, "some log");
    expect(await readAll(path)).toBe("corrupt");
    expect(existsSync(path)).toBe(false);
  });

  test("random flipped bytes give the very data, or an error", async () => {
    const { path, items } = await madeFile();
    const whole = readFileSync(path);
    const random = randomFrom(8);
    let refused = 0;
    for (let round = 0; round < 60; round += 1) {
      const damaged = Buffer.from(whole);
      for (let count = random(20) + 1; count > 0; count -= 1)
        damaged[random(round % 2 ? 4096 : damaged.byteLength)] = random(256);
      writeFileSync(path, damaged);
      // As after a crash: then every page is looked at.
      writeFileSync(`${path}.owner`, "1\n");
      const read = await readAll(path).catch((error: unknown) => {
        if (!isEngineError(error)) throw error;
        return "corrupt" as const;
      });
      if (read === "corrupt") refused += 1;
      else expect(read).toEqual(items);
      for (const suffix of ["-wal", "-journal", ".owner"]) rmSync(`${path}${suffix}`, { force: true });
    }
    expect(refused).toBeGreaterThan(0);
  });

  test("a log that was torn by a crash gives an older whole state", async () => {
    const path = join(scratch(), "state.db");
    const first = openSqliteState({ path });
    const acknowledged: Rev[] = [];
    for (let index = 0; index < 60; index += 1) {
      acknowledged.push(
        await first.txn({
          put: [
            { key: "a", value: value(`${index}`) },
            { key: "b", value: value(`${index}`) },
          ],
        }),
      );
    }
    const torn = join(scratch(), "state.db");
    const log = readFileSync(`${path}-wal`);
    const database = readFileSync(path);
    await first.close();
    let newest = -1;
    for (let length = 0; length <= log.byteLength; length += Math.ceil(log.byteLength / 40)) {
      writeFileSync(torn, database);
      writeFileSync(`${torn}-wal`, log.subarray(0, length));
      const store = openSqliteState({ path: torn });
      const [a, b] = [await store.get("a"), await store.get("b")];
      expect(a?.value).toEqual(b?.value);
      const number = a === null ? -1 : Number(new TextDecoder().decode(a.value));
      expect(number).toBeGreaterThanOrEqual(newest);
      newest = number;
      await store.close();
    }
    expect(newest).toBeGreaterThan(40);
  });

  test("another program's SQLite file is refused", async () => {
    const { path } = await madeFile();
    const bytes = readFileSync(path);
    bytes.writeUInt32BE(0x12345678, 68);
    writeFileSync(path, bytes);
    await assert.rejects(
      async () => openSqliteState({ path }),
      (error: unknown) => isEngineError(error, "corrupt") && /not a state file/.test(error.message),
    );
  });
});
