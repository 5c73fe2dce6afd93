import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FoldersAhead } from "../../src/process/folders-ahead.ts";

const isMemoryDisk = (path: string): boolean => existsSync(path) && statSync(path).dev !== statSync(tmpdir()).dev;

describe("folders made ahead", () => {
  let root = "";
  let ahead: FoldersAhead;
  const folders = () => ({ runtime: join(root, "run"), state: root });
  const spares = () => join(root, "spares");
  const waiting = (): string[] => (existsSync(spares()) ? readdirSync(spares()) : []);
  const filled = (): Promise<void> => vi.waitFor(() => expect(waiting()).toHaveLength(8));
  const inodes = () => waiting().map((name) => statSync(join(spares(), name)).ino);
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "ahead-"));
    for (const name of ["data", "logs"]) mkdirSync(join(root, name));
    ahead = new FoldersAhead(folders());
  });
  afterEach(async () => {
    await ahead.close();
    expect(waiting()).toEqual([]);
    rmSync(root, { recursive: true, force: true });
  });

  test("become those of instances, private as they were made, and are made again", async () => {
    ahead.fill();
    await filled();
    const before = inodes();
    ahead.place("data", join(root, "data/x.1"));
    ahead.place("log", join(root, "logs/x.1"));
    const [data, log] = [statSync(join(root, "data/x.1")), statSync(join(root, "logs/x.1"))];
    expect([readdirSync(join(root, "data/x.1")), readdirSync(join(root, "logs/x.1"))]).toEqual([[], ["log"]]);
    expect([data.mode & 0o777, log.mode & 0o777]).toEqual([0o700, 0o750]);
    expect(before).toEqual(expect.arrayContaining([data.ino, log.ino]));
    await filled();
  });

  test.runIf(process.getuid?.() === 0)("belong to whom they are for", async () => {
    ahead.fill();
    await filled();
    ahead.place("data", join(root, "data/x.1"), 4321);
    expect(statSync(join(root, "data/x.1"))).toMatchObject({ uid: 4321, gid: 4321 });
  });

  test("are made on the spot when none waits, or somebody took away what waited", async () => {
    for (const name of ["x.1", "x.2", "x.3", "x.4", "x.5"]) ahead.place("data", join(root, "data", name));
    await filled();
    rmSync(spares(), { recursive: true });
    ahead.place("data", join(root, "data/x.6"));
    expect(readdirSync(join(root, "data"))).toEqual(["x.1", "x.2", "x.3", "x.4", "x.5", "x.6"]);
    expect(statSync(join(root, "data/x.6")).mode & 0o777).toBe(0o700);
  });

  test("do not replace a folder that holds something", async () => {
    ahead.fill();
    await filled();
    mkdirSync(join(root, "data/x.1"));
    writeFileSync(join(root, "data/x.1/kept"), "");
    ahead.place("data", join(root, "data/x.1"));
    expect(readdirSync(join(root, "data/x.1"))).toEqual(["kept"]);
  });

  test.runIf(isMemoryDisk("/dev/shm"))("are not moved to another disk, but made there", async () => {
    const elsewhere = mkdtempSync("/dev/shm/ahead-");
    try {
      rmSync(join(root, "data"), { recursive: true });
      symlinkSync(elsewhere, join(root, "data"));
      ahead.fill();
      await filled();
      ahead.place("data", join(root, "data/x.1"));
      expect(readdirSync(elsewhere)).toEqual(["x.1"]);
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  test("of a daemon that died are swept away by the next", async () => {
    ahead.fill();
    await filled();
    FoldersAhead.sweep(folders());
    expect(waiting()).toEqual([]);
  });
});
