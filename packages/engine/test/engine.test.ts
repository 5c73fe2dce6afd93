import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  beginning,
  type Engine,
  isEngineError,
  openEmbeddedEngine,
  openMemoryEngine,
  openSqliteState,
} from "../src/index.ts";
import { sqlDriver } from "../src/sqlite/driver.ts";
import { namesIn, scratch } from "./scratch.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe.each(["embedded", "memory"])("the %s engine", (kind) => {
  test("opens whole, works and closes whole", async () => {
    const directory = join(scratch(), "engine");
    const engine: Engine = kind === "memory" ? await openMemoryEngine() : await openEmbeddedEngine({ directory });
    await engine.state.txn({ put: [{ key: "a", value: bytes("1") }] });
    const { sha256 } = await engine.blobs.put(bytes("blob"));
    await engine.logs.append("web.1", [{ stream: "stdout", text: "hello" }]);
    engine.telemetry.record({ kind: "it.works", subject: "web.1" });
    engine.bus.subscribe("a", ({ respond }) => respond?.(bytes("yes")));
    expect(new TextDecoder().decode(await engine.bus.request("a", bytes("?"), { timeoutMs: 1000, retry: "no" }))).toBe(
      "yes",
    );
    expect((await engine.state.list("")).items.length).toBe(1);
    expect((await engine.blobs.has(sha256))?.sizeBytes).toBe(4);
    expect(await engine.logs.instances()).toEqual(["web.1"]);
    expect((await engine.telemetry.events()).length).toBe(1);
    await engine.close();
    await engine.close();
    for (const call of [
      () => engine.state.get("a"),
      () => engine.blobs.has(sha256),
      () => engine.logs.instances(),
      () => engine.telemetry.events(),
      async () => engine.bus.publish("a", bytes("")),
      async () => engine.state.watch("", beginning),
    ]) {
      await assert.rejects(call(), (error: unknown) => isEngineError(error, "closed"));
    }
    if (kind === "embedded") expect(namesIn(directory)).toEqual(["blobs", "logs", "state.db", "telemetry.db"]);
  });
});

test("a file that another process has just taken is told as taken, before that process has said which it is", async () => {
  const path = join(scratch(), "state.db");
  await openSqliteState({ path }).close();
  const holder = sqlDriver().open(path);
  holder.exec("PRAGMA locking_mode = EXCLUSIVE");
  holder.transaction(() => undefined);
  assert.throws(
    () => openSqliteState({ path }),
    (error: unknown) => isEngineError(error, "unavailable") && error.holderPid === null,
  );
  holder.close();
});

test("a directory that is open is refused with the holder's pid, and free again after close", async () => {
  const directory = scratch();
  const engine = await openEmbeddedEngine({ directory });
  await assert.rejects(
    openEmbeddedEngine({ directory }),
    (error: unknown) => isEngineError(error, "unavailable") && error.holderPid === process.pid,
  );
  await engine.state.txn({ put: [{ key: "a", value: bytes("still") }] });
  await engine.close();
  const again = await openEmbeddedEngine({ directory });
  expect(new TextDecoder().decode((await again.state.get("a"))?.value)).toBe("still");
  await again.close();
});
