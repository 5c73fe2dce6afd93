import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { StartRequest } from "@constellation/instances";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FoldersAhead } from "../../src/process/folders-ahead.ts";
import { limits, requestFor } from "../driver/conformance.ts";

const isMemoryDisk = (path: string): boolean => existsSync(path) && statSync(path).dev !== statSync(tmpdir()).dev;

describe("folders made ahead", () => {
  let root = "";
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "ahead-"));
    for (const name of ["data", "logs"]) mkdirSync(join(root, name));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));
  const folders = () => ({ runtime: join(root, "run"), state: root });
  const request = (over: Partial<StartRequest> = {}): StartRequest =>
    requestFor({ kind: "script", file: "/x.mjs", args: [] }, { app: "x", index: 1, ...over });
  const waiting = (): string[] => (existsSync(join(root, "spares")) ? readdirSync(join(root, "spares")) : []);

  test("become those of an instance that has none, private as they were made", () => {
    const made = FoldersAhead.make(folders(), "a", null);
    made.become(request(), folders());
    expect(statSync(join(root, "data/x.1")).mode & 0o777).toBe(0o700);
    expect(statSync(join(root, "logs/x.1")).mode & 0o777).toBe(0o750);
    made.drop();
    expect(waiting()).toEqual([]);
  });

  test("leave alone what is there, and whoever has a disk of its own", () => {
    mkdirSync(join(root, "data/x.1"));
    writeFileSync(join(root, "data/x.1/kept"), "");
    mkdirSync(join(root, "logs/x.1"));
    writeFileSync(join(root, "data/x.2.img"), "");
    for (const [at, over] of [{}, { index: 2 }, { index: 3, resources: limits({ diskBytes: 1e8 }) }].entries()) {
      const made = FoldersAhead.make(folders(), String(at), null);
      made.become(request(over), folders());
      made.drop();
    }
    expect(readdirSync(join(root, "data")).sort()).toEqual(["x.1", "x.2.img"]);
    expect(readdirSync(join(root, "data/x.1"))).toEqual(["kept"]);
    expect(waiting()).toEqual([]);
  });

  test.runIf(isMemoryDisk("/dev/shm"))("are not moved to another disk: the start makes its own there", () => {
    const elsewhere = mkdtempSync("/dev/shm/ahead-");
    try {
      rmSync(join(root, "data"), { recursive: true });
      symlinkSync(elsewhere, join(root, "data"));
      const made = FoldersAhead.make(folders(), "a", null);
      made.become(request(), folders());
      made.drop();
      expect(readdirSync(elsewhere)).toEqual([]);
      expect(readdirSync(join(root, "logs"))).toEqual(["x.1"]);
      expect(waiting()).toEqual([]);
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  test("of a daemon that died are swept away by the next", () => {
    FoldersAhead.make(folders(), "old", null);
    expect(waiting()).toEqual(["old"]);
    FoldersAhead.sweep(folders());
    expect(waiting()).toEqual([]);
  });
});
