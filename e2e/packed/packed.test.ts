import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort, type Installed, installPacked } from "./installed.ts";

const root = resolve(import.meta.dirname, "../..");
let user: Installed;

beforeAll(() => {
  user = installPacked();
}, 180_000);
afterAll(() => user.remove(), 60_000);

test("the package brings the command and nothing of ours besides", () => {
  expect(user.constellation("--version")).toMatchObject({ status: 0, err: "" });
  expect(existsSync(join(user.folder, "node_modules/@constellation"))).toBe(false);
  expect(user.constellation("ps")).toMatchObject({ status: 6 });
});

test("doctor starts a daemon for its question", () => {
  const { status, out } = user.constellation("doctor", "--json");
  expect(status).toBe(0);
  const { features } = JSON.parse(out) as { features: unknown[] };
  expect(features.length).toBeGreaterThan(5);
});

test("a spec is checked by the user's compiler, and its mistakes are found", () => {
  user.write(
    "typed.ts",
    `import { app, Constellation, constellation, defineApps, type Sample } from "constellation";
export default defineApps(app({ name: "a", script: "./a.ts", instances: 3, resources: { memory: "256MB" } }));
export async function first(): Promise<Sample | undefined> {
  for await (const sample of constellation.monitor("a", { interval: "1s" })) return sample;
  return undefined;
}
// What may be undefined goes on, also where undefined is not the same as absent.
export async function embedded(home: string | undefined, timeout: string | undefined, dryRun: boolean | undefined): Promise<void> {
  const client = await new Constellation().init({ home, timeout, start: dryRun });
  await client.apply(app({ name: "a", script: undefined, command: ["true"] }), { folder: home, dryRun });
  await client.waitHealthy("a", { timeout });
  await client.exec("a.1", ["true"], { tty: dryRun, signal: undefined });
  await client.remove("a", { erase: dryRun });
  await client.stopDaemon({ instances: dryRun });
}
// @ts-expect-error a number is wanted
app({ name: "a", script: "./a.ts", instances: "three" });
// @ts-expect-error there is no such setting
app({ name: "a", script: "./a.ts", memory: "256MB" });
`,
  );
  mkdirSync(join(user.folder, "node_modules/@types"), { recursive: true });
  for (const name of ["@types/node", "undici-types"])
    symlinkSync(join(root, "node_modules", name), join(user.folder, "node_modules", name));
  const options = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--target", "es2023", "--types", "node"];
  const run = (...resolution: string[]) =>
    execFileSync(
      process.execPath,
      [join(root, "node_modules/typescript/bin/tsc"), ...options, ...resolution, "typed.ts"],
      { cwd: user.folder, encoding: "utf8" },
    );
  expect(run("--module", "nodenext")).toBe("");
  expect(run("--module", "preserve", "--moduleResolution", "bundler")).toBe("");
});

test("an app goes up, is seen, answers, is scaled, and goes down", async () => {
  const port = await freePort();
  cpSync(join(root, "examples/web/server.ts"), join(user.folder, "server.ts"));
  user.write(
    "deploy.ts",
    `import { app } from "constellation";
export default app({ name: "web", script: "./server.ts", instances: 2, port: ${port}, health: { http: "/healthz" } });`,
  );
  const up = user.constellation("up");
  expect(up).toMatchObject({ status: 0, err: "" });
  expect(up.out).toContain(`http://127.0.0.1:${port}`);
  const answer = await fetch(`http://127.0.0.1:${port}/`);
  expect(await answer.text()).toContain("Hello from");
  expect(user.constellation("up").out).toContain("= web  unchanged");
  expect(user.constellation("scale", "web=3")).toMatchObject({ status: 0 });
  const ps = JSON.parse(user.constellation("ps", "--json").out) as { instances: unknown[] };
  expect(ps.instances).toHaveLength(3);
  expect(user.constellation("logs", "web.1").out).toContain("listens");
  expect(user.constellation("exec", "web.1", "--", "sh", "-c", "exit 9").status).toBe(9);
  expect(user.constellation("down")).toMatchObject({ status: 0, out: "Removed web\n" });
  await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
}, 120_000);

test("the SDK does the same in code", () => {
  user.write("hello.ts", 'setInterval(() => console.log("hello"), 100);');
  user.write(
    "code.mjs",
    `import { constellation } from "constellation";
await constellation.init();
await constellation.create({ name: "hello", script: "./hello.ts" });
await constellation.waitHealthy("hello");
for await (const { instance } of constellation.monitor("hello", { interval: "100ms" })) { console.log(instance); break; }
await constellation.scale("hello", 2);
await constellation.stop("hello");
await constellation.remove("hello");
console.log((await constellation.apps()).length);`,
  );
  const out = execFileSync(process.execPath, ["code.mjs"], {
    cwd: user.folder,
    encoding: "utf8",
    env: { ...process.env, CONSTELLATION_HOME: user.home },
  });
  expect(out).toBe("hello.1\n0\n");
}, 60_000);

test("a program of CommonJS uses it; one that was bundled with it says to leave it out", async () => {
  user.write(
    "embedded.ts",
    `import { constellation } from "constellation";
constellation.version().then(({ version }) => console.log(version), ({ name, code, remedy }) => console.log(name, code, remedy));`,
  );
  const run = (file: string, home: string): string =>
    execFileSync(process.execPath, [file], {
      cwd: user.folder,
      encoding: "utf8",
      env: { ...process.env, CONSTELLATION_HOME: home },
    });
  for (const format of ["cjs", "esm"] as const) {
    const options = { absWorkingDir: user.folder, bundle: true, platform: "node", format, logLevel: "silent" } as const;
    await build({ ...options, entryPoints: ["embedded.ts"], outfile: `whole.${format === "cjs" ? "cjs" : "mjs"}` });
    await build({
      ...options,
      entryPoints: ["embedded.ts"],
      outfile: `out.${format === "cjs" ? "cjs" : "mjs"}`,
      external: ["constellation"],
    });
  }
  const elsewhere = join(user.folder, "no-daemon");
  for (const file of ["whole.cjs", "whole.mjs"])
    expect(run(file, elsewhere)).toMatch(/^ConstellationError daemon\.start-failed .*external: \["constellation"\]/);
  user.write(
    "own.cjs",
    'require("constellation").constellation.version().then(({ version }) => console.log(version));',
  );
  for (const file of ["own.cjs", "out.cjs", "out.mjs"]) expect(run(file, user.home)).toMatch(/^\d+\.\d+\.\d+\n$/);
}, 60_000);
