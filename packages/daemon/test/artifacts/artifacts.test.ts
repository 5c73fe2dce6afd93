import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { buffer } from "node:stream/consumers";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { commonJsMarks } from "@constellation/contract";
import { FileBlobStore } from "@constellation/engine";
import { describe, expect, onTestFinished, test } from "vitest";
import { Artifacts } from "../../src/artifacts/index.ts";

const program = Buffer.from("console.log(import.meta.url.endsWith('.mjs'))");
const sha256Of = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7);
}

function opened() {
  const home = mkdtempSync(join(tmpdir(), "constellation-artifacts-"));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const blobs = new FileBlobStore({ directory: join(home, "blobs") });
  const folder = join(home, "scripts");
  return { blobs, folder, artifacts: new Artifacts(blobs, folder), again: () => new Artifacts(blobs, folder) };
}

describe("artifacts", () => {
  test("are stored under their own hash and become a file that Node runs", async () => {
    const { artifacts, folder } = opened();
    const sha256 = sha256Of(program);
    expect(await artifacts.has(sha256)).toBe(false);
    await artifacts.put(sha256, pieces(program));
    expect(await artifacts.has(sha256)).toBe(true);
    const { sizeBytes, bytes } = await artifacts.get(sha256);
    expect(sizeBytes).toBe(program.length);
    expect(await buffer(bytes)).toEqual(program);
    await expect(artifacts.get("0".repeat(64))).rejects.toMatchObject({ code: "artifact.not-found" });
    const path = await artifacts.file(sha256);
    expect(path).toBe(join(folder, `${sha256}.mjs`));
    expect(statSync(path).mode & 0o777).toBe(0o444);
    expect(spawnSync(process.execPath, [path], { encoding: "utf8" }).stdout).toBe("true\n");
    expect(readdirSync(folder)).toEqual([`${sha256}.mjs`]);
  });

  test("CommonJS says so at its beginning, and is told to Node by its ending", async () => {
    const { artifacts, folder } = opened();
    const script = Buffer.from(`${commonJsMarks.strict} console.log(__filename.endsWith(".cjs"), typeof require);`);
    const sha256 = sha256Of(script);
    await artifacts.put(sha256, pieces(script));
    const path = await artifacts.file(sha256);
    expect(path).toBe(join(folder, `${sha256}.cjs`));
    expect(spawnSync(process.execPath, [path], { encoding: "utf8" }).stdout).toBe("true function\n");
  });

  test("a file that somebody has deleted is made anew for the next start, and what is not stored is told", async () => {
    const { artifacts, blobs, folder } = opened();
    const sha256 = sha256Of(program);
    await artifacts.put(sha256, pieces(program));
    const path = await artifacts.file(sha256);
    rmSync(folder, { recursive: true });
    expect(await Promise.all([artifacts.file(sha256), artifacts.file(sha256)])).toEqual([path, path]);
    expect(readFileSync(path)).toEqual(program);
    rmSync(folder, { recursive: true });
    await blobs.delete(sha256);
    await expect(artifacts.file(sha256)).rejects.toMatchObject({ code: "artifact.not-found" });
  });

  test("other bytes than the hash says are refused and not kept", async () => {
    const { artifacts } = opened();
    const sha256 = "0".repeat(64);
    await expect(artifacts.put(sha256, pieces(program))).rejects.toMatchObject({ code: "request.invalid" });
    expect(await artifacts.has(sha256)).toBe(false);
    await expect(artifacts.put("no hash", pieces(program))).rejects.toMatchObject({ code: "request.invalid" });
    await expect(artifacts.file(sha256)).rejects.toMatchObject({ code: "artifact.not-found" });
    // A look that failed is not remembered.
    await expect(artifacts.file(sha256)).rejects.toMatchObject({ code: "artifact.not-found" });
  });

  test("many who ask at once get the same file, and a file that was cut is made anew", async () => {
    const { artifacts, again } = opened();
    const sha256 = sha256Of(program);
    await artifacts.put(sha256, pieces(program));
    const paths = await Promise.all(Array.from({ length: 20 }, () => artifacts.file(sha256)));
    expect(new Set(paths).size).toBe(1);
    const [path = ""] = paths;
    rmSync(path);
    expect(readFileSync(await again().file(sha256))).toEqual(program);
  });

  test("what a daemon that died in the making has left is cleared away, and keeps nothing else from it", async () => {
    const { artifacts, folder } = opened();
    await artifacts.put(sha256Of(program), pieces(program));
    const path = await artifacts.file(sha256Of(program));
    writeFileSync(join(folder, `.${"a".repeat(64)}.1`), "half");
    writeFileSync(join(folder, "notes.txt"), "somebody else's");
    await artifacts.collect(new Set());
    expect(readdirSync(folder).sort()).toEqual([basename(path), "notes.txt"].sort());
  });

  test("that nobody refers to are collected when they are old, their files too; young and live ones stay", async () => {
    const { artifacts, blobs, folder } = opened();
    const stored = ["live", "old", "young"].map((text) => Buffer.from(`// ${text}`));
    const [live = "", old = "", young = ""] = stored.map(sha256Of);
    for (const bytes of stored) {
      await artifacts.put(sha256Of(bytes), pieces(bytes));
      await artifacts.file(sha256Of(bytes));
    }
    const twoHoursAgo = Date.now() / 1000 - 7200;
    for (const sha256 of [live, old]) {
      chmodSync(blobs.pathOf(sha256), 0o644);
      utimesSync(blobs.pathOf(sha256), twoHoursAgo, twoHoursAgo);
    }
    await artifacts.collect(new Set([live]));
    expect(await Promise.all([live, old, young].map((sha256) => artifacts.has(sha256)))).toEqual([true, false, true]);
    expect(readdirSync(folder).sort()).toEqual([`${live}.mjs`, `${young}.mjs`].sort());
    await expect(artifacts.file(old)).rejects.toMatchObject({ code: "artifact.not-found" });
  });
});
