import { execFileSync } from "node:child_process";
import { cpSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createHash } from "node:crypto";
import { artifactFormat } from "@constellation/contract";
import { describe, expect, test } from "vitest";
import { bundle } from "../src/bundle/bundle.ts";
import { temporaryFolder } from "./memory-home.ts";
import { failure, project, run } from "./project.ts";

test("TypeScript, its imports and npm packages become one file", async () => {
  const folder = project({
    "main.ts": 'import { two } from "./lib/two.ts"; import pad from "pad"; const n: number = two; console.log(pad(n));',
    "lib/two.ts": "export const two = 2 as const;",
    "node_modules/pad/package.json": '{"name":"pad","main":"index.js"}',
    "node_modules/pad/index.js": 'const { format } = require("util"); module.exports = (n) => format("<%s>", n);',
  });
  expect(await run(folder, "main.ts")).toBe("<2>\n");
  const { inputs } = await bundle({ entry: join(folder, "main.ts"), folder });
  expect(inputs.map((path) => path.slice(folder.length + 1)).sort()).toEqual([
    "lib/two.ts",
    "main.ts",
    "node_modules/pad/index.js",
  ]);
});

test("the same sources give the same artifact in another folder, and its name is its SHA-256", async () => {
  const folder = project({
    "main.ts": 'import { x } from "./x.ts"; console.log(x, import.meta.url);',
    "x.ts": "export const x = 1;",
  });
  const copy = temporaryFolder();
  cpSync(folder, copy, { recursive: true });
  const [first, second] = await Promise.all(
    [folder, copy].map((at) => bundle({ entry: join(at, "main.ts"), folder: at })),
  );
  expect(first?.sha256).toBe(second?.sha256);
  expect(first?.sha256).toBe(
    createHash("sha256")
      .update(first?.bytes ?? "")
      .digest("hex"),
  );
});

test("a source finds what lies beside it, in CommonJS and in ES modules", async () => {
  const folder = project({
    "src/main.mts": `import { readFileSync } from "node:fs"; import legacy from "./legacy.cjs";
      console.log(readFileSync(new URL("./a.txt", import.meta.url), "utf8"), legacy, import.meta.dirname);`,
    "src/legacy.cjs": `#!/usr/bin/env node\nmodule.exports = require("path").join(__dirname, "b") + " " + __filename;`,
    "src/a.txt": "beside",
  });
  expect(await run(folder, "src/main.mts")).toBe(`beside ${folder}/src/b ${folder}/src/legacy.cjs ${folder}/src\n`);
});

test("a source that declares __dirname by itself keeps it", async () => {
  const folder = project({
    "main.js": `import { dirname } from "node:path"; import { fileURLToPath } from "node:url";
      const __dirname = dirname(fileURLToPath(import.meta.url)); console.log(__dirname);`,
  });
  expect(await run(folder, "main.js")).toBe(`${folder}\n`);
});

const itself = `
  import cluster from "cluster";
  import { execFile, fork, spawnSync } from "node:child_process";
  import { once } from "node:events";
  import { fileURLToPath } from "node:url";
  import { promisify } from "node:util";
  import { isMainThread, Worker } from "node:worker_threads";
  import { isMain } from "./other.ts";
  const source: string = fileURLToPath(import.meta.url);
  async function first() {
    console.log("first", process.argv[1] === source, isMain);
    await once(new Worker(source), "exit");
    await once(new Worker(new URL(import.meta.url)), "exit");
    await once(new Worker("process.exitCode = 3", { eval: true }), "exit");
    await once(fork(source, ["fork"]), "exit");
    await once(fork(process.argv[1], ["fork of argv"]), "exit");
    console.log(spawnSync(process.execPath, ["--no-warnings", source, source], { encoding: "utf8" }).stdout.trim());
    console.log((await promisify(execFile)("node", ["-r", "fs", source, "promise"])).stdout.trim());
    console.log((await promisify(execFile)("node", ["-p", "process.argv[1]", source])).stdout.trim() === source);
    await once(cluster.fork(), "exit");
    cluster.setupPrimary({ exec: source, args: ["exec"] });
    await once(cluster.fork(), "exit");
  }
  if (!import.meta.main) console.log("no program");
  else if (!isMainThread) console.log("thread", process.argv[1] === source);
  else if (cluster.isWorker) process.exit(void console.log("cluster", process.argv[1] === source, process.argv[2]));
  else if (process.argv.length > 2) console.log("child", process.argv[1] === source, process.argv[2]);
  else void first();
`;

test.each([
  ["CommonJS", "", "commonjs"],
  ["an ES module", "await undefined;", "module"],
])("a program as %s is its source: to itself, and to the threads and children that run it", async (_, more, format) => {
  const folder = project({
    "src/main.ts": itself + more,
    "src/other.ts": "export const isMain: boolean = import.meta.main;",
  });
  expect(artifactFormat((await bundle({ entry: join(folder, "src/main.ts"), folder })).bytes)).toBe(format);
  expect((await run(folder, "src/main.ts")).split("\n")).toEqual([
    "first true false",
    "thread true",
    "thread true",
    "child true fork",
    "child true fork of argv",
    `child true ${folder}/src/main.ts`,
    "child true promise",
    "true",
    "cluster true undefined",
    "cluster true exec",
    "",
  ]);
});

test("a child and a thread with another working folder find what lies beside their source", async () => {
  const folder = project({
    "main.js": `const { fork, spawnSync } = require("child_process"), { Worker } = require("worker_threads"), cluster = require("cluster");
      const { readFileSync } = require("fs"), { once } = require("events");
      const show = (who) => console.log(who, readFileSync(__dirname + "/data.txt", "utf8"), process.argv[1] === __filename);
      if (process.env.WHO) { show(process.env.WHO); if (process.env.WHO === "member") process.exit(); } else (async () => {
        const who = (WHO) => ({ ...process.env, WHO });
        await once(fork(__filename, { cwd: "/", env: who("child") }), "exit");
        console.log(spawnSync(process.execPath, [__filename], { cwd: "/tmp", env: who("spawned"), encoding: "utf8" }).stdout.trim());
        process.chdir("/");
        await once(new Worker(__filename, { env: who("thread") }), "exit");
        await once(cluster.fork({ WHO: "member" }), "exit");
        await once(fork(__filename, { cwd: "/tmp", env: { WHO: "alone" } }), "exit");
        await once(new Worker(__filename, { env: { WHO: "thread alone" } }), "exit");
      })();`,
    "data.txt": "data",
  });
  expect(await run(folder, "main.js")).toBe(
    ["child", "spawned", "thread", "member", "alone", "thread alone"].map((who) => `${who} data true\n`).join(""),
  );
});

test("another source of the same name is another program", async () => {
  const folder = project({
    "index.js": `const { fork, spawnSync } = require("child_process"), at = { cwd: __dirname + "/packages/api" };
      if (process.argv[2] === "child") process.exit(7);
      console.log(spawnSync("node", ["index.js", "child"], { ...at, encoding: "utf8" }).stdout.trim());
      console.log(spawnSync("node", ["./packages/api/index.js", __filename, "child"], { encoding: "utf8" }).stdout.trim());
      fork("index.js", ["child"], at).on("exit", (code) => console.log(code));`,
    "packages/api/index.js": 'console.log("the api");',
  });
  expect(await run(folder, "index.js")).toBe("the api\nthe api\nthe api\n0\n");
});

test("options of Node before the source are passed over, and functions stay text that runs elsewhere", async () => {
  const folder = project({
    "main.ts": `import { spawnSync } from "node:child_process"; import { fileURLToPath } from "node:url"; import { Worker } from "node:worker_threads";
      const me: string = fileURLToPath(import.meta.url);
      if (process.argv[2]) console.log("child", process.argv[2]);
      else {
        for (const flags of [["--unhandled-rejections", "strict"], ["--title=x", "--no-warnings"], []])
          console.log(spawnSync(process.execPath, [...flags, me, "a"], { encoding: "utf8" }).stdout.trim());
        function job() { const { parentPort } = require("worker_threads"); parentPort.postMessage("from text"); }
        new Worker("(" + job + ")()", { eval: true }).on("message", console.log);
        try { new Worker("main.ts"); } catch (error) { console.log((error as { code: string }).code); }
      }`,
  });
  expect(await run(folder, "main.ts")).toBe("child a\nchild a\nchild a\nERR_WORKER_PATH\nfrom text\n");
});

test("what a source asks of import.meta, require and module is answered for itself", async () => {
  const folder = project({
    "main.mjs": `import asked from "./lib/asked.cjs"; import "./lib/started.cjs";
      const { url, dirname, ...rest } = import.meta; console.log(url, dirname, Object.keys(rest), import.meta["main"]);
      console.log(import.meta.resolve("./x.js"), import.meta.resolve("fs"), import.meta.resolve("pad"), import.meta.resolve("data:,"));
      console.log(asked.resolved, asked.file, asked.paths, asked.main);`,
    "lib/asked.cjs": `exports.resolved = require.resolve("./driver"); exports.file = module.filename;
      exports.paths = require.resolve.paths("x")[0]; exports.main = require.main && require.main.filename;`,
    "lib/started.cjs": 'if (!module.parent) console.log("started by itself");',
    "lib/driver.js": "",
    "driver.js": "",
    "node_modules/pad/package.json": '{"name":"pad","main":"index.js"}',
    "node_modules/pad/index.js": "",
  });
  expect((await run(folder, "main.mjs")).split("\n")).toEqual([
    `file://${folder}/main.mjs ${folder} [ 'filename', 'main', 'resolve' ] true`,
    `file://${folder}/x.js node:fs file://${folder}/node_modules/pad/index.js data:,`,
    `${folder}/lib/driver.js ${folder}/lib/asked.cjs ${folder}/lib/node_modules ${folder}/main.mjs`,
    "",
  ]);
});

test.each([
  ["CommonJS", "", "commonjs"],
  ["an ES module", "await undefined;", "module"],
])("a package that looks from its caller looks from the program: pino's transports, %s", async (_, more, format) => {
  const folder = project({
    "src/main.ts": `import pino from "pino"; ${more}
      const log = pino({ base: null, timestamp: false, transport: { target: "to-console", options: { mark: ">" } } });
      log.info("said");`,
    "node_modules/to-console/package.json": '{"name":"to-console","main":"index.js"}',
    "node_modules/to-console/index.js": `const { Writable } = require("stream");
      module.exports = ({ mark }) => new Writable({ write(text, _, done) { require("fs").writeSync(1, mark + text); done(); } });`,
  });
  symlinkSync(join(import.meta.dirname, "../../../node_modules/pino"), join(folder, "node_modules/pino"));
  expect(artifactFormat((await bundle({ entry: join(folder, "src/main.ts"), folder })).bytes)).toBe(format);
  expect(await run(folder, "src/main.ts")).toBe('>{"level":30,"msg":"said"}\n');
});

test("whoever imports a bundle stays the program", async () => {
  const folder = project({ "main.ts": "console.log(process.argv[1], import.meta.main);" });
  const { bytes } = await bundle({ entry: join(folder, "main.ts"), folder, as: "module" });
  writeFileSync(join(folder, "artifact.mjs"), bytes);
  writeFileSync(join(folder, "importer.mjs"), 'import "./artifact.mjs";');
  const said = execFileSync(process.execPath, [join(folder, "importer.mjs")], { encoding: "utf8" });
  expect(said).toBe(`${folder}/importer.mjs false\n`);
});

test("a package with native code is loaded from the folder", async () => {
  const folder = project({
    "main.ts": 'import native, { answer } from "@scope/native/sub.js"; console.log(answer, native.where);',
    "node_modules/@scope/native/package.json": '{"name":"@scope/native","main":"index.js","gypfile":true}',
    "node_modules/@scope/native/sub.js": "exports.answer = 42; exports.where = __filename;",
  });
  expect(await run(folder, "main.ts")).toBe(`42 ${folder}/node_modules/@scope/native/sub.js\n`);
});

test("a package is native when its code for this platform is another package", async () => {
  const folder = project({
    "main.ts": 'import { where } from "napi"; console.log(where);',
    "node_modules/napi/package.json": '{"name":"napi","main":"index.js","optionalDependencies":{"napi-linux":"1.0.0"}}',
    "node_modules/napi/index.js": "exports.where = __dirname;",
    "node_modules/napi-linux/package.json": '{"name":"napi-linux"}',
    "node_modules/napi-linux/build/napi.node": "",
  });
  expect(await run(folder, "main.ts")).toBe(`${folder}/node_modules/napi\n`);
});

test("native code outside of the app's folder is refused, with what to set", async () => {
  const root = project({
    "app/main.ts": 'import "native";',
    "node_modules/native/package.json": '{"name":"native","gypfile":true}',
  });
  const error = await failure(bundle({ entry: join(root, "app/main.ts"), folder: join(root, "app") }));
  expect(error).toMatchObject({ code: "script.build-failed", remedy: expect.stringContaining("folder") });
});

test("native code behind a link out of the app's folder is refused as well", async () => {
  const elsewhere = project({ "native/package.json": '{"name":"native","gypfile":true}' });
  const folder = project({ "main.ts": 'import "native";', "node_modules/.keep": "" });
  symlinkSync(join(elsewhere, "native"), join(folder, "node_modules/native"));
  const error = await failure(bundle({ entry: join(folder, "main.ts"), folder }));
  expect(error).toMatchObject({ code: "script.build-failed", message: expect.stringContaining(elsewhere) });
});

test("build errors name file, line and column", async () => {
  const folder = project({ "src/main.ts": 'const a = 1;\nimport "nowhere/x";\nconst b = ;' });
  const error = await failure(bundle({ entry: join(folder, "src/main.ts"), folder }));
  expect(error.code).toBe("script.build-failed");
  expect(error.message).toContain("Cannot build src/main.ts");
  expect(error.message).toContain("src/main.ts:3:11");
});

test("a package that is not installed is named in the remedy", async () => {
  const folder = project({ "main.ts": 'import "@scope/missing/deep";' });
  const error = await failure(bundle({ entry: join(folder, "main.ts"), folder }));
  expect(error.message).toContain("main.ts:1:8");
  expect(error.remedy).toContain("npm install @scope/missing`");
});

test.each([
  ["missing.ts", "no such file"],
  [".", "not a file"],
])("%s cannot be read", async (path, why) => {
  const folder = project({});
  const error = await failure(bundle({ entry: join(folder, path), folder }));
  expect(error).toMatchObject({ code: "script.unreadable", message: expect.stringContaining(why) });
});

test("a file that is no source is to be read when it runs, one of a package by the package outside of the bundle", async () => {
  const folder = project({
    "src/own.ts": 'import text from "../assets/query.sql"; console.log(text);',
    "assets/query.sql": "select 1",
    "package.ts": 'import "@some/wasm";',
    "node_modules/@some/wasm/package.json": '{ "name": "@some/wasm", "main": "main.mjs" }',
    "node_modules/@some/wasm/main.mjs": 'import "./code.wasm";',
    "node_modules/@some/wasm/code.wasm": "",
  });
  const remedy = async (script: string) => (await failure(bundle({ entry: join(folder, script), folder }))).remedy;
  expect(await remedy("src/own.ts")).toContain('readFile(new URL("../assets/query.sql", import.meta.url))');
  expect(await remedy("package.ts")).toContain('`external: ["@some/wasm"]`');
});

test("a folder reached through a link is the folder itself", async () => {
  const folder = project({ "main.ts": "console.log(import.meta.filename);" });
  const link = join(temporaryFolder(), "link");
  symlinkSync(folder, link);
  const [direct, linked] = await Promise.all(
    [folder, link].map((at) => bundle({ entry: join(at, "main.ts"), folder: at })),
  );
  expect(linked?.sha256).toBe(direct?.sha256);
});

describe("the form of a program", () => {
  const formatOf = async (files: Readonly<Record<string, string>>, as?: "module"): Promise<string> => {
    const folder = project(files);
    const { bytes } = await bundle({ entry: join(folder, "main.ts"), folder, ...(as === undefined ? {} : { as }) });
    return artifactFormat(bytes);
  };

  test("is CommonJS, also when it asks for its place", async () => {
    expect(await formatOf({ "main.ts": "console.log(import.meta.url);" })).toBe("commonjs");
    expect(await formatOf({ "main.ts": "console.log(import.meta.url);" }, "module")).toBe("module");
  });

  test("stays an ES module when a source awaits at its top", async () => {
    expect(await formatOf({ "main.ts": "await null;" })).toBe("module");
    expect(await formatOf({ "main.ts": 'import "./x.ts";', "x.ts": "await null; export {};" })).toBe("module");
  });

  test("is found behind a first line for the shell, whose lines keep their numbers", async () => {
    const folder = project({
      "main.js": "#!/usr/bin/env node\nconsole.log(__filename, new Error().stack.includes('main'));",
    });
    expect(await run(folder, "main.js")).toBe(`${folder}/main.js true\n`);
    expect(await formatOf({ "main.ts": "#!/usr/bin/env node\nconst a: number = 1; console.log(a);" })).toBe("commonjs");
  });

  const sloppy = "counter = 1; console.log(counter, (function () { return this === globalThis; })());";
  test.each([
    ["a script", { "main.js": sloppy }, "1 true\n"],
    ["CommonJS", { "main.js": `require("./x.js"); ${sloppy}`, "x.js": "exports.x = 1;" }, "1 true\n"],
    ["CommonJS that says so", { "main.js": `// so\n'use strict'; ${sloppy} __dirname;` }, null],
    [
      "CommonJS that says so, in a part",
      { "main.js": 'require("./x.js");', "x.js": `/* so */ "use strict"; ${sloppy} __dirname;` },
      null,
    ],
    ["an ES module", { "main.js": `import "./x.js"; ${sloppy}`, "x.js": "" }, null],
    ["an ES module by its ending", { "main.mjs": sloppy }, null],
    ["an ES module by its package", { "main.js": sloppy, "package.json": '{"type":"module"}' }, null],
  ])("is as strict as its sources are: %s", async (_, files, said) => {
    const main = Object.keys(files).find((path) => path.startsWith("main")) ?? "";
    const ran = run(project(files), main);
    if (said === null) await expect(ran).rejects.toThrow("counter is not defined");
    else expect(await ran).toBe(said);
  });

  test("does not change what a program means: strict, this, default and named imports, import()", async () => {
    const folder = project({
      "main.ts": `import fs, { existsSync } from "node:fs"; import * as all from "node:path"; import legacy from "./legacy.cjs";
        const frozen = Object.freeze({ a: 1 }) as { a: number };
        try { frozen.a = 2; } catch (error) { console.log((error as Error).name); }
        console.log(this, (function () { return this; })(), fs.existsSync === existsSync, typeof all.join, legacy.self);
        Promise.all([import("node:os"), import("./later.ts")]).then(([{ EOL, default: os }, { late }]) => console.log(EOL === os.EOL, late)); export {};`,
      "legacy.cjs": "exports.self = this === module.exports;",
      "later.ts": 'export const late = "later";',
    });
    expect(await run(folder, "main.ts")).toBe("TypeError\nundefined undefined true function true\ntrue later\n");
  });
});

test("a folder that is not there is told by name", async () => {
  const folder = project({ "main.ts": "" });
  expect(await failure(bundle({ entry: join(folder, "main.ts"), folder: join(folder, "nope") }))).toMatchObject({
    code: "script.unreadable",
    message: expect.stringContaining(`${join(folder, "nope")}: there is no such folder`) as string,
  });
});

test("a source that exports knows that it is not the program, as CommonJS and as TypeScript compiled to it do", async () => {
  const folder = project({
    "main.ts": 'import { ran } from "./exporting.ts"; import { legacy } from "./legacy.js"; console.log(ran, legacy);',
    "exporting.ts": "export const ran: boolean[] = [require.main === module, !module.parent];",
    "legacy.js": "exports.legacy = require.main === module;",
  });
  expect(await run(folder, "main.ts")).toBe("[ false, false ] false\n");
});
