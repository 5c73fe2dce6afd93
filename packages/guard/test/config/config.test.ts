import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { layered, loadGlobalConfig, loadGuardConfig } from "../../src/config/load.ts";
import { parseGuardConfig } from "../../src/config/schema.ts";
import { parseThreshold } from "../../src/config/threshold.ts";

let root: string;
beforeEach(() => void (root = mkdtempSync(join(tmpdir(), "guard-config-"))));
afterEach(() => rmSync(root, { recursive: true }));
const never = (): Promise<unknown> => Promise.reject(new Error("not asked for"));

describe("settings", () => {
  it("are read from YAML, JSON and modules", async () => {
    expect((await loadGuardConfig(root, never)).config).toEqual({});
    writeFileSync(
      join(root, "constellation.test.yaml"),
      "thresholds: { memory: 6GB, cpu: 90 }\ntimeout: 10m\njobs: 2\n",
    );
    const { config } = await loadGuardConfig(root, never);
    expect(config).toMatchObject({ thresholds: { memory: { kind: "bytes" }, cpu: 90 }, timeout: 600_000, jobs: 2 });
    writeFileSync(join(root, "constellation.test.json"), '{"grace": 3}');
    expect((await loadGuardConfig(root, never)).config).toEqual({ grace: 3000 });
    writeFileSync(join(root, "constellation.test.ts"), "");
    expect((await loadGuardConfig(root, () => Promise.resolve({ selfProtect: true }))).config).toEqual({
      selfProtect: true,
    });
  });

  it("that are wrong name the key, or the file that cannot be read", async () => {
    expect(() => parseGuardConfig({ jobs: 0 }, "f")).toThrow(/f is not valid: jobs:/);
    expect(() => parseGuardConfig({ thresholds: { memory: "120%" } }, "f")).toThrow(/thresholds.memory: .*120%/);
    expect(() => parseGuardConfig({ thresolds: {} }, "f")).toThrow(/thresolds/);
    writeFileSync(join(root, "constellation.test.json"), "{");
    await expect(loadGuardConfig(root, never)).rejects.toThrow(/Cannot read .*constellation\.test\.json/);
  });
});

describe("a machine's settings", () => {
  it("are defaults for its projects, group by group", async () => {
    writeFileSync(
      join(root, "daemon.yaml"),
      "test: { jobs: 2, thresholds: { memory: 70%, cpu: 50 }, checkpoint: { interval: 1s } }\nguard: { resumeAt: 50%, pause: 30s, ports: { from: 21000, to: 21999 } }\n",
    );
    const { config } = await loadGlobalConfig(root);
    expect(config.guard).toEqual({ resumeAt: 0.5, pause: 30_000, ports: { from: 21_000, to: 21_999 } });
    expect(layered(config.test, { thresholds: { cpu: 90 }, restart: false })).toEqual({
      jobs: 2,
      restart: false,
      thresholds: { memory: { kind: "share", share: 0.7 }, cpu: 90 },
      checkpoint: { interval: 1000 },
      cleanup: {},
    });
  });

  it("that are wrong name the key", async () => {
    writeFileSync(join(root, "daemon.json"), '{"guard": {"resumeAt": "6GB"}, "test": {"checkInterval": "1ms"}}');
    await expect(loadGlobalConfig(root)).rejects.toThrow(/test.checkInterval: wanted 100ms.*guard.resumeAt: .*6GB/);
  });
});

describe("a threshold", () => {
  it("is a share or a size", () => {
    expect(parseThreshold("80%")).toEqual({ kind: "share", share: 0.8 });
    expect(parseThreshold(75)).toEqual({ kind: "share", share: 0.75 });
    expect(parseThreshold("6GB").kind).toBe("bytes");
    for (const wrong of ["0%", "100%", "lots", "-5", "0GB"])
      expect(() => parseThreshold(wrong)).toThrow(/lots|threshold|size|GB/);
  });
});
