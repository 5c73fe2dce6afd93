import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, expect, it } from "vitest";
import { type Placement } from "@constellation/pool";
import { watchedPools } from "./watched-pools.ts";

const tasks = "data:text/javascript,export const built = () => globalThis.built";
const directory = mkdtempSync(join(tmpdir(), "preload #1 "));
afterAll(() => rmSync(directory, { recursive: true }));
const { open } = watchedPools({ module: tasks, workers: 1 });

function file(path: string, content: string): string {
  const whole = join(directory, path);
  mkdirSync(join(whole, ".."), { recursive: true });
  writeFileSync(whole, content);
  return whole;
}

const two = { exports: { import: "./built.mjs", require: "./built.cjs" } };
file("node_modules/two-builds/package.json", JSON.stringify(two));
file("node_modules/two-builds/built.mjs", `globalThis.built = "for import"`);
file("node_modules/two-builds/built.cjs", `globalThis.built = "for require"`);
file("node_modules/one-build/package.json", JSON.stringify({ exports: { import: "./built.mjs" } }));
file("node_modules/one-build/built.mjs", `globalThis.built = "for import only"`);
file("module/package.json", JSON.stringify({ type: "module" }));
file("script/package.json", "{}");

it.each([
  ["main.mjs", "two-builds", "for import"],
  ["main.cjs", "two-builds", "for require"],
  ["module/main.js", "two-builds", "for import"],
  ["script/main.js", "two-builds", "for require"],
  ["main.mjs", "one-build", "for import only"],
  ["main.cjs", "one-build", "for import only"],
])("%s preloads the build of %s that it would use itself: %s", async (main, name, built) => {
  const pool = await open({ preload: [name], resolveFrom: join(directory, main) });
  expect(await pool.run("built")).toBe(built);
});

it("preloads by URL, too", async () => {
  const url = pathToFileURL(join(directory, "node_modules/one-build/built.mjs"));
  expect(await (await open({ preload: [url] })).run("built")).toBe("for import only");
});

it("what is not there is missing for the file that it is resolved from", async () => {
  const missing = open({ preload: ["no-build"], resolveFrom: join(directory, "main.mjs") });
  await expect(missing).rejects.toThrow(/no-build failed with .*imported from .*main\.mjs/);
});

it.each<Placement>(["thread", "process"])("a module with an odd path is loaded into a leased %s", async (placement) => {
  const path = file("odd #2 %20/loaded?.js", "export default (channel, data) => data");
  file("odd #2 %20/package.json", JSON.stringify({ type: "module" }));
  const pool = await open({ placement, workers: 0, spares: 1 });
  await using lease = await pool.lease();
  expect(await lease.load(path, 5)).toBe(5);
  for (const relative of ["./loaded.js", "two-builds"])
    await expect(lease.load(relative)).rejects.toMatchObject({
      code: "options-invalid",
      message: expect.stringMatching(/wanted an absolute path or URL/) as string,
    });
});
