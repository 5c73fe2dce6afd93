import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { expect, test } from "vitest";
import { type ConstellationError, isDefinedApp, loadApps } from "../src/index.ts";
import { temporaryFolder } from "./memory-home.ts";

async function load(text: string, name = "deploy.ts") {
  const folder = temporaryFolder();
  writeFileSync(join(folder, name), text);
  mkdirSync(join(folder, "lib"));
  writeFileSync(join(folder, "lib/count.ts"), "export const count: number = 3;");
  return { folder, file: join(folder, name), loaded: loadApps(join(folder, name)) };
}

async function failure(call: Promise<unknown>): Promise<ConstellationError> {
  return call.then(
    () => expect.unreachable("it should have failed"),
    (error: unknown) => error as ConstellationError,
  );
}

test("one app, with an import of its own", async () => {
  const { folder, loaded } = await load(
    `import { app } from "constellation"; import { count } from "./lib/count.ts";
     export default app({ name: "web", script: "./server.ts", instances: count });`,
  );
  const { apps, inputs, folder: found } = await loaded;
  expect(apps).toEqual([{ name: "web", script: "./server.ts", instances: 3 }]);
  expect(isDefinedApp(apps[0])).toBe(true);
  expect(found).toBe(folder);
  expect(inputs).toContain(join(folder, "lib/count.ts"));
});

test.each([
  ["a list", `export default [{ name: "a", command: ["x"] }, { name: "b", command: ["x"] }];`],
  [
    "defineApps",
    `import { app, defineApps } from "constellation";
    export default defineApps(app({ name: "a", command: ["x"] }), [{ name: "b", command: ["x"] }]);`,
  ],
  ["a function", `export default async () => [{ name: "a", command: ["x"] }, { name: "b", command: ["x"] }];`],
])("%s of apps", async (_, text) => {
  const { apps } = await (await load(text)).loaded;
  expect(apps.map(({ name }) => name)).toEqual(["a", "b"]);
});

test.each([
  ["a promise", `export default Promise.resolve({ name: "a", command: ["x"] });`],
  ["a list of promises", `const one = async () => [{ name: "a", command: ["x"] }]; export default [one()];`],
])("%s of apps is waited for", async (_, text) => {
  const { apps } = await (await load(text)).loaded;
  expect(apps).toEqual([{ name: "a", command: ["x"] }]);
});

test("TypeScript that was compiled to CommonJS", async () => {
  const text = `Object.defineProperty(exports, "__esModule", { value: true }); exports.default = { name: "a", command: ["x"] };`;
  expect((await (await load(text, "deploy.cjs")).loaded).apps).toEqual([{ name: "a", command: ["x"] }]);
});

test("a package with native code is found above the spec, whose folder no instance is bound to", async () => {
  const folder = temporaryFolder();
  const files = {
    "node_modules/native/package.json": `{ "name": "native", "main": "main.js", "gypfile": true }`,
    "node_modules/native/main.js": `module.exports = { count: 2 };`,
    "lib/deploy.ts": `import { count } from "native"; export default { name: "a", command: ["x"], instances: count };`,
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  expect((await loadApps(join(folder, "lib/deploy.ts"))).apps).toMatchObject([{ instances: 2 }]);
});

test("what is no source says so by its name", async () => {
  const error = await failure((await load("name: web", "deploy.yaml")).loaded);
  expect(error).toMatchObject({
    code: "spec.unreadable",
    message: expect.stringContaining("its name does not end as"),
  });
});

test("JSON", async () => {
  const { loaded } = await load(`{ "name": "a", "command": ["x"] }`, "deploy.json");
  expect((await loaded).apps).toEqual([{ name: "a", command: ["x"] }]);
});

test("a spec finds what lies beside it", async () => {
  const { folder, loaded } = await load(`export default { name: "a", command: [import.meta.dirname] };`);
  expect((await loaded).apps).toEqual([{ name: "a", command: [folder] }]);
});

test("what it throws points into the user's file", async () => {
  const { file, loaded } = await load(
    `interface A { b: string }\n\nexport default {\n  name: (undefined as unknown as A).b,\n};`,
  );
  const error = await failure(loaded);
  expect(error).toMatchObject({ code: "spec.unreadable" });
  expect(error.message).toContain(`${relative(process.cwd(), file)}:4:`);
});

test("a file without an app says what to write", async () => {
  const error = await failure((await load("export const a = 1;")).loaded);
  expect(error).toMatchObject({ code: "spec.invalid", remedy: expect.stringContaining("export default") });
});

test("what does not parse names the line", async () => {
  const error = await failure((await load("export default {\n  name: ,\n};")).loaded);
  expect(error).toMatchObject({ code: "script.build-failed", message: expect.stringContaining("deploy.ts:2:9") });
});

test("lists within lists are one list of apps, however deep", async () => {
  const { loaded } = await load(
    `export default [[[{ name: "a", command: ["x"] }]], [[[{ name: "b", command: ["x"] }]]]];`,
  );
  expect((await loaded).apps.map(({ name }) => name)).toEqual(["a", "b"]);
});

test("a folder in place of a file is named as the spec that it is not", async () => {
  const folder = temporaryFolder();
  const error = await failure(loadApps(folder));
  expect(error).toMatchObject({ code: "spec.unreadable", message: `Cannot read the spec ${folder}: it is a folder` });
});

test("a file that is not there is not found", async () => {
  expect(await failure(loadApps("/nowhere/deploy.ts"))).toMatchObject({ code: "spec.unreadable" });
});
