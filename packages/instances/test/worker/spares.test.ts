import { execFileSync } from "node:child_process";
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseApp } from "@constellation/contract";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { asRoot } from "../launch/world.ts";
import { spareBudget } from "../../src/worker/budget.ts";
import { dataToGive, giveData } from "../../src/worker/give-data.ts";
import { planRefill } from "../../src/worker/spares.ts";
import { type Shape, type ShapedRequest, shapeOf } from "../../src/worker/shape.ts";
import { startupEnvironment } from "../../src/worker/startup-environment.ts";

const shape = (key: string): Shape => ({ key }) as Shape;

describe("which spares are kept and made", () => {
  const keys = fc.constantFrom("a", "b", "c", "d", "e");
  test("never more than the budget or the most of one, the newest shape first, and then nothing is left to do", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(keys),
        fc.nat(6),
        fc.integer({ min: 1, max: 3 }),
        fc.array(fc.record({ key: keys, waits: fc.boolean() }), { maxLength: 8 }),
        (wanted, budget, most, ready) => {
          const situation = { shapes: wanted.map(shape), most, budget, ready };
          const { surplus, missing } = planRefill(situation);
          const kept = ready.filter((_, at) => !surplus.includes(at));
          expect(kept.every(({ waits }) => waits)).toBe(true);
          const after = [...kept.map(({ key }) => key), ...missing.map(({ key }) => key)];
          expect(after.length).toBe(Math.min(budget, wanted.length * most));
          const count = (key: string): number => after.filter((each) => each === key).length;
          for (const [at, key] of wanted.entries()) {
            expect(count(key)).toBeLessThanOrEqual(most);
            for (const later of wanted.slice(at)) expect(count(key)).toBeGreaterThanOrEqual(count(later));
          }
          const settled = planRefill({ ...situation, ready: after.map((key) => ({ key, waits: true })) });
          expect(settled).toEqual({ surplus: [], missing: [] });
        },
      ),
    );
  });

  test("the budget follows the memory that is available, and the user's word where there is enough", () => {
    const budget = (wanted: number | "auto", mebibytes: number): number =>
      spareBudget(wanted, { availableBytes: mebibytes * 2 ** 20 });
    expect([100, 300, 1000, 2000, 100_000].map((memory) => budget("auto", memory))).toEqual([0, 1, 1, 2, 4]);
    expect([budget(0, 100_000), budget(20, 100_000), budget(20, 100)]).toEqual([0, 20, 0]);
  });
});

describe("which Node fits a request", () => {
  const { isolation, resources } = parseApp({ name: "x", script: "x.mjs" });
  const request = (over: Partial<ShapedRequest> = {}): ShapedRequest => ({
    run: { kind: "script", file: "/x.mjs", args: [] },
    env: {},
    isolation,
    resources,
    ports: [],
    ...over,
  });
  const key = (over: Partial<ShapedRequest>): string | null => {
    const fit = shapeOf(request(over));
    return fit.kind === "shape" ? fit.shape.key : null;
  };

  test("apps that differ only in what is told later share one", () => {
    const plain = key({});
    expect(plain).not.toBeNull();
    expect(
      key({ run: { kind: "script", file: "/y.mjs", args: ["a"] }, env: { A: "1", NODE_ENV: "x", TZ: "UTC" } }),
    ).toBe(plain);
    expect(key({ run: { kind: "script", file: "/x.cjs", args: [] } })).toBe(plain);
    expect(key({ resources: { ...resources, networkInBitsPerSecond: 1e6 } })).not.toBe(plain);
    expect(key({ resources: { ...resources, memoryBytes: 2e8 } })).not.toBe(plain);
    expect(key({ env: { UV_THREADPOOL_SIZE: "8" } })).not.toBe(plain);
    const options = key({ env: { NODE_OPTIONS: "--no-warnings --max-old-space-size=100" } });
    expect([plain, null]).not.toContain(options);
    expect(key({ isolation: { ...isolation, network: "none" } })).not.toBe(plain);
  });

  test("none waits for what cannot become anybody's program later", () => {
    expect(key({ run: { kind: "command", argv: ["node"] } })).toBeNull();
    expect(key({ run: { kind: "script", file: "/x.mjs", args: [], runtime: "bun" } })).toBeNull();
    expect(key({ warm: false })).toBeNull();
    for (const option of [
      "--require ./a.cjs",
      "--import=x",
      "-r x",
      "--inspect",
      "--no-addons",
      "--max-old-space-size",
      "--no-warnings=1",
      "x",
    ])
      expect(key({ env: { NODE_OPTIONS: `--no-warnings ${option}` } })).toBeNull();
    for (const part of ["pid", "mount", "readOnlyRoot"] as const)
      expect(key({ isolation: { ...isolation, [part]: "off" } })).toBeNull();
  });
});

test("what is read at startup is told from what programs read", () => {
  const env = {
    NODE_ENV: "x",
    NODE_DEBUG: "net",
    UV_THREADPOOL_SIZE: "2",
    TZ: "UTC",
    LANG: "de",
    LC_ALL: "de",
    PORT: "1",
  };
  expect(startupEnvironment(env)).toEqual({ NODE_DEBUG: "net", UV_THREADPOOL_SIZE: "2", LANG: "de", LC_ALL: "de" });
});

describe.skipIf(!asRoot)("files of an instance given to another user", () => {
  let folder = "";
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const make = (files: number): string => {
    folder = mkdtempSync(join(tmpdir(), "give-"));
    const data = join(folder, "x.1");
    mkdirSync(join(data, "deep"), { recursive: true });
    for (let at = 0; at < files; at += 1) writeFileSync(join(data, "deep", String(at)), "");
    writeFileSync(join(folder, "outside"), "");
    symlinkSync(join(folder, "outside"), join(data, "link"));
    chown(data, 200_001);
    return data;
  };
  const chown = (path: string, uid: number): void => {
    // Everything in it, links themselves and not what they lead to.
    giveData(dataToGive(path, 0) ?? [], uid);
  };

  test("all of them, and nothing that a link leads to", () => {
    const data = make(10);
    chmodSync(data, 0o700);
    giveData(dataToGive(data, 200_001) ?? [], 200_002);
    for (const path of [data, join(data, "deep"), join(data, "deep/3"), join(data, "link")])
      expect(lstatSync(path).uid).toBe(200_002);
    expect(lstatSync(join(folder, "outside")).uid).toBe(0);
  });

  test("none, when they are many, somebody else's, or in an image", () => {
    const many = make(10);
    for (let at = 0; at < 300; at += 1) writeFileSync(join(many, "deep", `more-${at}`), "");
    expect(dataToGive(many, 200_001)).toBeNull();
    rmSync(folder, { recursive: true });
    const image = make(1);
    writeFileSync(`${image}.img`, "");
    expect(dataToGive(image, 200_001)).toBeNull();
    expect(dataToGive(join(folder, "never-there"), 200_001)).toEqual([]);
  });

  test("none, when it lies deeper than the kernel takes a path", () => {
    const data = make(1);
    execFileSync("sh", ["-c", 'for i in $(seq 20); do mkdir "$1"; cd -P "$1"; done', "sh", "d".repeat(255)], {
      cwd: data,
    });
    execFileSync("chown", ["-hR", "200001:200001", data]);
    expect(dataToGive(data, 200_001)).toBeNull();
    execFileSync("rm", ["-rf", data]);
  });
});
