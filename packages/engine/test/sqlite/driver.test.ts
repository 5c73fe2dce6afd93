import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { SqlFailure } from "../../src/sqlite/database.ts";
import { sqlDriver } from "../../src/sqlite/driver.ts";
import { nodeSqliteDriver } from "../../src/sqlite/node-sqlite.ts";
import { scratch } from "../scratch.ts";

const built = fileURLToPath(new URL("../../dist/", import.meta.url));
const drivers = nodeSqliteDriver() === undefined ? (["libsql"] as const) : (["libsql", "node:sqlite"] as const);

describe.each(drivers)("the %s driver", (name) => {
  test("gives back every kind of value, and words failures with SQLite's code", () => {
    const database = sqlDriver(name).open(join(scratch(), "test.db"));
    database.exec("CREATE TABLE t (a INTEGER PRIMARY KEY, b REAL, c TEXT, d BLOB) STRICT");
    const insert = database.prepare("INSERT INTO t VALUES (?, ?, ?, ?)");
    const bytes = new Uint8Array([1, 2, 3, 4, 5]).subarray(1, 4);
    insert.run(2 ** 52, 1.5, "äöü\u0001", bytes);
    insert.run(2, null, null, new Uint8Array());
    const rows = database
      .prepare("SELECT * FROM t ORDER BY a")
      .all<{ a: number; b: number | null; c: string | null; d: Uint8Array }>();
    expect(rows.map(({ a, b, c, d }) => [a, b, c, [...d]])).toEqual([
      [2, null, null, []],
      [2 ** 52, 1.5, "äöü\u0001", [2, 3, 4]],
    ]);
    expect(rows[1]?.d.constructor).toBe(Uint8Array);
    const one = database.prepare("SELECT d FROM t WHERE a = ?");
    expect(one.get<{ d: Uint8Array }>(2 ** 52)?.d.constructor).toBe(Uint8Array);
    expect(one.get(3)).toBe(undefined);
    expect(() => insert.run(2, null, null, null)).toThrow(SqlFailure);
    expect(() => database.exec("SELEC")).toThrow(SqlFailure);
    expect(() => database.prepare("SELECT * FROM absent").all()).toThrow(/absent/);
    database.close();
  });

  test("a transaction that throws leaves nothing", () => {
    const database = sqlDriver(name).open(":memory:");
    database.exec("CREATE TABLE t (a)");
    expect(() =>
      database.transaction(() => {
        database.exec("INSERT INTO t VALUES (1)");
        throw new Error("enough");
      }),
    ).toThrow("enough");
    expect(database.prepare("SELECT count(*) AS n FROM t").get<{ n: number }>()?.n).toBe(0);
    expect(database.transaction(() => 7)).toBe(7);
    database.close();
  });
});

test("opening says nothing on the terminal, and other warnings still do", () => {
  const script = `
    import { openSqliteState } from ${JSON.stringify(pathToFileURL(join(built, "index.js")).href)};
    await openSqliteState({ path: ${JSON.stringify(join(scratch(), "state.db"))} }).close();
    process.emitWarning("mine", "ExperimentalWarning");`;
  const { stderr, status } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  expect(status).toBe(0);
  expect(stderr).toContain("mine");
  expect(stderr).not.toContain("SQLite");
});

test("without any SQLite the error names the remedy", () => {
  // The built files alone, where no libsql can be found.
  const folder = join(scratch(), "alone");
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  execFileSync("cp", ["-r", built, join(folder, "dist")]);
  const script = `
    process.getBuiltinModule = () => undefined;
    const { openSqliteState } = await import(${JSON.stringify(pathToFileURL(join(folder, "dist", "index.js")).href)});
    try { openSqliteState({ path: ${JSON.stringify(join(folder, "state.db"))} }); } catch (error) { console.log(error.code, error.message); }`;
  const output = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  expect(output).toMatch(/^unavailable Cannot open SQLite: .*npm install libsql/);
});
