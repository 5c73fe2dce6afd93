import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { newRunId, type StartRequest } from "@constellation/instances";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { compiledPath, isWhole, takeCompiled } from "../../src/worker/compiled-file.ts";
import { mayImport } from "../../src/worker/compiled-programs.ts";
import { asRoot } from "../launch/world.ts";
import { runToEnd } from "../process/runs.ts";
import { BothWays } from "./both-ways.ts";
import type { EqualityCase } from "./equality-cases.ts";

const patience = { timeout: 30_000, interval: 50 };
/** Large enough to be worth it. */
const padding = `/* ${"x".repeat(70_000)} */`;
const large = (script: string): EqualityCase => ({ name: "", script: `${padding}\n${script}`, format: "commonjs" });

describe.skipIf(!asRoot)("compiled programs", () => {
  let ways: BothWays;
  beforeEach(async () => void (ways = await BothWays.open()));
  afterEach(() => ways.close());

  const compiledOf = (request: StartRequest): string[] => {
    const folder = dirname(request.run.kind === "script" ? request.run.file : "");
    return readdirSync(folder)
      .filter((name) => name.endsWith(".v8"))
      .map((name) => join(folder, name));
  };
  const again = (request: StartRequest): StartRequest => ({ ...request, runId: newRunId(Date.now(), Math.random()) });
  /** Starts it warm; its lines, and whether its compiled form came along. */
  const start = async (
    request: StartRequest,
  ): Promise<{ readonly lines: readonly string[]; readonly used: boolean }> => {
    await ways.spareFor(request);
    const { lines, start: way, plan } = await runToEnd(ways.driver, again(request));
    expect(way).toBe("warm");
    return { lines, used: plan.includes(".v8") };
  };
  const made = (request: StartRequest): Promise<void> =>
    vi.waitFor(() => expect(compiledOf(request)).toHaveLength(1), patience);

  test("are made after the first start, without running them, and used by the next, which sees the same", async () => {
    const given =
      large(`Error.stackTraceLimit = 50; console.log(require.main === module, module.children.length, require("node:module").prototype._compile.name, new Error("here").stack);
      require("node:fs").appendFileSync("/data/ran", "x");
      setTimeout(() => { console.log(require("node:fs").readFileSync("/data/ran", "utf8").length); throw new TypeError("late"); }, 50);`);
    const request = ways.request(given);
    const first = await start(request);
    expect(first.used).toBe(false);
    await made(request);
    const second = await start(request);
    expect(second.used).toBe(true);
    expect(second.lines.map((line) => line.replace(/^2$/, "1"))).toEqual(first.lines);
    const cold = await runToEnd(ways.driver, { ...again(request), warm: false });
    expect(cold.lines.map((line) => line.replace(/^3$/, "1"))).toEqual(first.lines);
    expect(ways.troubles).toEqual([]);
  }, 90_000);

  test("that are damaged are made anew; those that this V8 does not take do no harm", async () => {
    const request = ways.request(large(`console.log("fine");`));
    await start(request);
    await made(request);
    const [path = ""] = compiledOf(request);
    const bytes = readFileSync(path);
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 9) ^ 1, bytes.length - 9);
    writeFileSync(path, bytes);
    expect(isWhole(path)).toBe(false);
    // The next daemon looks before it trusts.
    await ways.reopen();
    expect(await start(request)).toEqual({ lines: ["fine"], used: false });
    await vi.waitFor(() => expect(isWhole(path)).toBe(true), patience);

    const garbage = Buffer.from("nothing that V8 knows".repeat(50));
    writeFileSync(path, Buffer.concat([createHash("sha256").update(garbage).digest(), garbage]));
    await ways.reopen();
    expect(await start(request)).toEqual({ lines: ["fine"], used: true });
  }, 90_000);

  test("that cannot be compiled start all the same, and are told once", async () => {
    const request = ways.request(large(`console.log("never"); let a = ;`));
    const { lines } = await start(request);
    expect(lines.join("\n")).toContain("SyntaxError");
    await vi.waitFor(() => expect(ways.troubles).toHaveLength(1), patience);
    expect(ways.troubles[0]).toMatch(/starts slower than it could: it was not compiled/);
    await start(request);
    expect(ways.troubles).toHaveLength(1);
    expect(compiledOf(request)).toEqual([]);
  }, 90_000);

  test("small ones are not worth it; those with import() are left alone where V8 would forget from where", async () => {
    const small = ways.request({ name: "", script: `console.log("small");`, format: "commonjs" });
    const importing = ways.request(large(`import("node:os").then(({ EOL }) => console.log(EOL.length));`));
    await start(small);
    await start(importing);
    if (Number.parseInt(process.versions.node, 10) >= 22) await made(importing);
    else await new Promise((done) => setTimeout(done, 2000));
    expect(await start(importing)).toMatchObject({ lines: ["1"] });
    expect(compiledOf(small)).toEqual([]);
  }, 60_000);
});

test("an import() is found wherever it is code, and not where it is a type in a comment", () => {
  for (const code of ['import("x")', "a\n* import ('x')", "/** @type {X} */ import('x')", " * @x */ import/**/('x')"])
    expect(mayImport(code)).toBe(true);
  for (const code of [
    " * @param {import('x').Y} y",
    "const a = /** @type {import('x')} */ (b);",
    'import "x";',
    "important(",
  ])
    expect(mayImport(code)).toBe(false);
});

describe("a compiled program as a file", () => {
  test("has a name for each set of options, beside its program", () => {
    const names = [[], ["--max-old-space-size=100"]].map((flags) => compiledPath("/a/b.cjs", flags));
    expect(new Set(names).size).toBe(2);
    for (const name of names) expect(name).toMatch(/^\/a\/b\.cjs\.[0-9a-f]{12}\.v8$/);
  });

  test("nothing else than a file of a fitting size is taken over", () => {
    expect(() => takeCompiled("/dev/null", "/nowhere", 10)).toThrow(/wanted a file/);
    expect(() => takeCompiled("/proc/self/exe", "/nowhere", 10)).toThrow(/ELOOP/);
    expect(() => takeCompiled("/etc/hostname", "/nowhere", 0)).toThrow(/wanted a file/);
    expect(isWhole("/nowhere")).toBe(false);
  });
});
