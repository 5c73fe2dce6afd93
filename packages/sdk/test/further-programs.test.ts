import { execFileSync } from "node:child_process";
import { cpSync, existsSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { artifactFormat } from "@constellation/contract";
import { describe, expect, test } from "vitest";
import { bundle } from "../src/bundle/bundle.ts";
import { temporaryFolder } from "./memory-home.ts";
import { artifact, failure, project, run } from "./project.ts";

const awaiting = [
  ["CommonJS", "", "commonjs"],
  ["an ES module", "await undefined;", "module"],
] as const;

describe.each(awaiting)("in a bundle as %s", (_, awaits, format) => {
  const said = async (files: Readonly<Record<string, string>>, ...options: readonly string[]): Promise<string[]> => {
    const folder = project({ ...files, "main.ts": `${files["main.ts"]}\n${awaits}` });
    expect(artifactFormat(readFileSync(await artifact(folder, "main.ts")))).toBe(format);
    const text = await run(folder, "main.ts", ...options);
    return text.replaceAll(folder, "FOLDER").trim().split("\n");
  };

  test("a thread of another TypeScript source gets its data, answers, and is its program", async () => {
    expect(
      await said({
        "main.ts": `import { Worker } from "node:worker_threads"; import { count } from "./src/state.ts";
          count(); count();
          const thread = new Worker(new URL("./src/worker.ts", import.meta.url), { workerData: { a: 1 }, argv: ["x"] });
          thread.on("message", (answer: unknown) => { console.log(JSON.stringify(answer)); thread.postMessage("end"); });
          thread.on("exit", (code: number) => console.log("main", code, count(), import.meta.main, process.argv[1]));`,
        "src/worker.ts": `import { parentPort, workerData, isMainThread } from "node:worker_threads"; import { count, isMain } from "./state.ts";
          const data: { a: number } = workerData;
          parentPort!.postMessage([data, isMainThread, process.argv.slice(1), import.meta.main, import.meta.url, isMain, count()]);
          parentPort!.once("message", (end: string) => process.exit(3));`,
        "src/state.ts":
          "let counted = 0; export const count = (): number => (counted += 1); export const isMain = import.meta.main;",
      }),
    ).toEqual([
      '[{"a":1},false,["FOLDER/src/worker.ts","x"],true,"file://FOLDER/src/worker.ts",false,1]',
      "main 3 3 true FOLDER/main.ts",
    ]);
  });

  test("children are the program that their source is, with an environment and a folder of their own", async () => {
    const child = `import { readFileSync } from "node:fs"; import { join } from "node:path";
      const rest: string[] = process.argv.slice(2), beside = readFileSync(join(import.meta.dirname, "data.txt"), "utf8");
      console.log("child", process.argv[1], rest.join(), import.meta.main, beside, process.env.A, "CONSTELLATION_PROGRAM" in process.env);
      process.send?.({ from: "child" }); process.on("message", (message) => { console.log("heard", message); process.disconnect(); });`;
    expect(
      await said({
        "main.ts": `import { execFile, execFileSync, fork, spawn, spawnSync } from "node:child_process"; import { once } from "node:events";
          import { dirname, join } from "node:path"; import * as path from "node:path"; import { fileURLToPath } from "node:url"; import { promisify } from "node:util";
          async function all() {
            const forked = fork(new URL("./src/child.ts", import.meta.url), ["fork"], { cwd: "/", env: { A: "own" } });
            forked.on("message", (message) => { console.log(message); forked.send("hello"); });
            await once(forked, "exit");
            const options = { env: { A: "2" } };
            await once(spawn(process.execPath, [join(import.meta.dirname, "src", "child.ts"), "spawn"], { stdio: "inherit" }), "exit");
            console.log(spawnSync("node", ["--no-warnings", path.resolve(__dirname, "./src/child.ts"), "sync"], { cwd: "/tmp", ...options, encoding: "utf8" }).stdout.trim());
            console.log((await promisify(execFile)("node", [fileURLToPath(new URL("src/child.ts", import.meta.url)), "promise"])).stdout.trim());
            await new Promise<void>((done) => execFile(process.execPath, [__dirname + "/src/child.ts", "called"], (_, out) => done(console.log(out.trim()))));
            console.log(execFileSync(process.execPath, [\`\${__dirname}/src/child.ts\`], { ...options, encoding: "utf8" }).trim());
            console.log(execFileSync(process.execPath, [join(dirname(fileURLToPath(import.meta.url)), "src/child.ts")], { encoding: "utf8" }).trim());
          }
          void all();`,
        "src/child.ts": child,
        "src/data.txt": "beside",
      }),
    ).toEqual([
      "child FOLDER/src/child.ts fork true beside own false",
      "{ from: 'child' }",
      "heard hello",
      "child FOLDER/src/child.ts spawn true beside undefined false",
      "child FOLDER/src/child.ts sync true beside 2 false",
      "child FOLDER/src/child.ts promise true beside undefined false",
      "child FOLDER/src/child.ts called true beside undefined false",
      "child FOLDER/src/child.ts  true beside 2 false",
      "child FOLDER/src/child.ts  true beside undefined false",
    ]);
  });

  test("threads of threads, children of threads and threads of children name their own programs, and start themselves", async () => {
    expect(
      await said({
        "main.ts": `import { Worker } from "node:worker_threads"; process.chdir("/");
          new Worker(new URL("./a/thread.ts", import.meta.url), { env: { DEPTH: "0" } }).on("exit", () => console.log("end"));`,
        "a/thread.ts": `import { Worker } from "worker_threads"; import { fork } from "child_process"; import { once } from "events";
          console.log("thread", process.env.DEPTH, import.meta.dirname);
          async function all() {
            if (process.env.DEPTH === "1") return;
            await once(new Worker(new URL(import.meta.url), { env: { DEPTH: "1" } }), "exit");
            await once(new Worker(new URL("../b/deep.ts", import.meta.url), { env: {} }), "exit");
            await once(fork(new URL("../b/child.ts", import.meta.url), { env: {} }), "exit");
          }
          void all();`,
        "b/deep.ts": `console.log("deep", import.meta.filename, Object.keys(process.env)); export {};`,
        "b/child.ts": `import { Worker } from "node:worker_threads"; console.log("child", process.argv[1]);
          new Worker(new URL("./deep.ts", import.meta.url));`,
      }),
    ).toEqual([
      "thread 0 FOLDER/a",
      "thread 1 FOLDER/a",
      "deep FOLDER/b/deep.ts []",
      "child FOLDER/b/child.ts",
      "deep FOLDER/b/deep.ts []",
      "end",
    ]);
  });

  test("an error in a thread names the line of its source, and so does one in the program", async () => {
    const [thread, main] = await said(
      {
        "main.ts": `import { Worker } from "node:worker_threads";

          new Worker(new URL("./worker.ts", import.meta.url)).on("error", ({ stack }: Error) => { console.log(stack!.split("\\n")[1]); console.log(new Error().stack!.split("\\n")[1]); });`,
        "worker.ts": `type A = string;

          export const a: A = "a";
          throw new Error("in a thread");`,
      },
      "--enable-source-maps",
    );
    expect(thread).toMatch(/worker\.ts:4:17/);
    expect(main).toMatch(/main\.ts:3:/);
  });

  test("members of a cluster run the source that they are set up with, and start what it names", async () => {
    expect(
      await said({
        "main.ts": `import cluster from "node:cluster"; import { once } from "node:events"; import { fileURLToPath } from "node:url";
          async function all() {
            cluster.setupPrimary({ exec: fileURLToPath(new URL("./member.ts", import.meta.url)), args: ["a"] });
            await once(cluster.fork({ A: "1" }), "exit");
            cluster.setupPrimary({ args: ["b"] });
            await once(cluster.fork(), "exit");
            cluster.setupPrimary({ exec: fileURLToPath(new URL("./plain.cjs", import.meta.url)) });
            await once(cluster.fork(), "exit");
            cluster.setupPrimary({ exec: process.argv[1] });
            await once(cluster.fork(), "exit");
          }
          if (cluster.isPrimary) void all(); else { console.log("main", process.argv[1]); process.exit(); }`,
        "member.ts": `import cluster from "node:cluster"; const a: string = process.env.A ?? "none";
          console.log("member", cluster.isWorker, ...process.argv.slice(1), a, "CONSTELLATION_PROGRAM" in process.env); process.exit();`,
        "plain.cjs": `console.log("plain", "CONSTELLATION_PROGRAM" in process.env); process.exit();`,
      }),
    ).toEqual([
      "member true FOLDER/member.ts a 1 false",
      "member true FOLDER/member.ts b none false",
      "plain false",
      "main FOLDER/main.ts",
    ]);
  });
});

/** The benchmarks install it; users and other tests need not. */
const bun = fileURLToPath(new URL("../../../bench/node_modules/bun/bin/bun.exe", import.meta.url));
test.skipIf(!existsSync(bun))("Bun runs threads and children as Node does", async () => {
  const folder = project({
    "main.ts": `import { Worker } from "node:worker_threads"; import { fork } from "node:child_process"; import { once } from "node:events";
      async function all() {
        const thread = new Worker(new URL("./src/one.ts", import.meta.url), { workerData: "data", env: {} });
        console.log("thread", ...(await once(thread, "message")));
        const child = fork(new URL("./src/one.ts", import.meta.url), ["word"], { cwd: "/", env: {} });
        console.log("child", (await once(child, "message"))[0]);
      }
      void all();`,
    "src/one.ts": `import { parentPort, workerData } from "node:worker_threads"; import { told } from "./told.ts";
      const said: string = [told, ...process.argv.slice(1), import.meta.main, import.meta.dirname, workerData].join(" ");
      if (parentPort === null) process.send!(said, () => process.disconnect()); else parentPort.postMessage(said);`,
    "src/told.ts": 'export const told: boolean = "CONSTELLATION_PROGRAM" in process.env;',
  });
  const file = await artifact(folder, "main.ts");
  renameSync(join(folder, "src"), join(folder, "elsewhere"));
  expect(execFileSync(bun, [file], { cwd: folder, encoding: "utf8" })).toBe(
    `thread false ${folder}/src/one.ts true ${folder}/src data\nchild false ${folder}/src/one.ts word true ${folder}/src \n`,
  );
});

test("a thread that awaits at its top makes an ES module of its bundle", async () => {
  const folder = project({
    "main.ts": `import { Worker } from "node:worker_threads"; new Worker(new URL("./worker.ts", import.meta.url));
      const sloppy: number = 1; console.log("main", sloppy);`,
    "worker.ts": `const a: number = await Promise.resolve(1); console.log("thread", a); export {};`,
  });
  expect(artifactFormat(readFileSync(await artifact(folder, "main.ts")))).toBe("module");
  expect(await run(folder, "main.ts")).toBe("main 1\nthread 1\n");
});

test("JavaScript that is not there means the TypeScript of that name; what is there runs as it lies in the folder", async () => {
  const folder = project({
    "main.ts": `import { Worker } from "node:worker_threads"; import { fork } from "node:child_process"; import { once } from "node:events"; import { join } from "node:path";
      async function all() {
        await once(new Worker(new URL("./made.js", import.meta.url)), "exit");
        await once(fork(join(__dirname, "common.cjs")), "exit");
        await once(new Worker(new URL("./module.mjs", import.meta.url)), "exit");
        await once(new Worker(join(__dirname, "there.js")), "exit");
      }
      void all();`,
    "made.ts": `const a: string = "made"; console.log(a, process.argv[1]);`,
    "common.cts": `const { basename } = require("node:path"); const a: string = "common"; console.log(a, basename(__filename), require.main === module);`,
    "module.mts": `export const a: string = "module"; console.log(a);`,
    "there.js": `console.log("there", module.filename, process.argv[1]);`,
    "there.ts": `console.log("not this one");`,
  });
  expect((await run(folder, "main.ts")).replaceAll(folder, "FOLDER")).toBe(
    "made FOLDER/made.ts\ncommon common.cts true\nmodule\nthere FOLDER/there.js FOLDER/there.js\n",
  );
});

test("a path from the working folder is a program as well where it is started", async () => {
  const folder = project({
    "src/main.ts": `import { Worker } from "node:worker_threads"; import { fork, spawnSync } from "node:child_process"; import cluster from "node:cluster"; import { once } from "node:events"; import path, { join } from "node:path";
      async function all() {
        await once(new Worker("./src/a.ts"), "exit");
        await once(fork("src/b.ts"), "exit");
        console.log(spawnSync("node", ["src/c.ts"], { encoding: "utf8" }).stdout.trim());
        await once(fork(join(process.cwd(), "src", "e.ts")), "exit");
        await once(new Worker(path.resolve("src/f.ts")), "exit");
        cluster.setupPrimary({ exec: "./src/d.ts" });
        cluster.fork();
      }
      void all();`,
    ...Object.fromEntries(
      ["a", "b", "c", "d", "e", "f"].map((name) => [
        `src/${name}.ts`,
        `console.log("${name}" as string); if (process.connected) process.disconnect();`,
      ]),
    ),
  });
  expect(await run(folder, "src/main.ts")).toBe("a\nb\nc\ne\nf\nd\n");
});

test("who looks whether it is the program finds that it is, in its own process alone", async () => {
  const folder = project({
    "main.cts": `const { fork } = require("node:child_process"), { join } = require("node:path");
      const common = require("./common.cts"), exporting = require("./exporting.ts");
      console.log("main", require.main === module, require.main.filename === __filename, common.ran, exporting.ran);
      fork(join(__dirname, "common.cts")).on("exit", () => fork(join(__dirname, "exporting.ts")));`,
    "common.cts": `exports.ran = require.main === module; exports.orphan = !module.parent;
      if (require.main === module) console.log("common", !module.parent, require.main.filename === __filename, module.filename === __filename);`,
    "exporting.ts": `import { basename } from "node:path";
      export const ran: boolean = require.main === module;
      if (ran) console.log("exporting", basename(require.main!.filename));`,
  });
  expect(await run(folder, "main.cts")).toBe(
    "main true true false false\ncommon true true true\nexporting exporting.ts\n",
  );
});

test("packages are part of a thread's program wherever they lie, and native ones are found from it", async () => {
  const root = project({
    "app/src/main.ts": `import { Worker } from "node:worker_threads"; new Worker(new URL("worker.ts", import.meta.url), { env: {} });`,
    "app/src/worker.ts": `import pad from "pad"; import inside from "inside"; import { where } from "native"; console.log(pad(1 as number), inside, where);`,
    "node_modules/pad/package.json": '{"name":"pad","main":"index.js"}',
    "node_modules/pad/index.js": 'module.exports = (n) => "<" + n + ">";',
    "app/node_modules/inside/package.json": '{"name":"inside","main":"index.js"}',
    "app/node_modules/inside/index.js": 'module.exports = "inside";',
    "app/node_modules/native/package.json": '{"name":"native","main":"index.js","gypfile":true}',
    "app/node_modules/native/index.js": "exports.where = __filename;",
  });
  const folder = join(root, "app");
  expect(await run(folder, "src/main.ts")).toBe(`<1> inside ${folder}/node_modules/native/index.js\n`);
});

test("sources outside of the program's folder, and behind links, are programs as well", async () => {
  const root = project({
    "shared/start.ts": `import { Worker } from "node:worker_threads"; export const start = (): unknown => new Worker(new URL("./worker.ts", import.meta.url));`,
    "shared/worker.ts": `console.log("thread", process.argv[1]); export {};`,
    "app/main.ts": `import { start } from "../shared/start.ts"; import { fork } from "node:child_process"; import { join } from "node:path";
      start(); fork(join(__dirname, "linked.ts"));`,
    "elsewhere/real.ts": `setTimeout(() => console.log("child", process.argv[1] as string), 300);`,
  });
  symlinkSync("../elsewhere/real.ts", join(root, "app/linked.ts"));
  expect(await run(join(root, "app"), "main.ts")).toBe(
    `thread ${root}/shared/worker.ts\nchild ${root}/elsewhere/real.ts\n`,
  );
});

test("the same sources give the same artifact elsewhere, which a change of a thread's sources changes", async () => {
  const folder = project({
    "main.ts": `import { Worker } from "node:worker_threads"; new Worker(new URL("./worker.ts", import.meta.url)); new Worker(new URL("./worker.js", import.meta.url));`,
    "worker.ts": 'import { a } from "./lib.ts"; console.log(a);',
    "lib.ts": "export const a = 1;",
  });
  const copy = temporaryFolder();
  cpSync(folder, copy, { recursive: true });
  const made = (at: string) => bundle({ entry: join(at, "main.ts"), folder: at });
  const first = await made(folder);
  expect((await made(copy)).sha256).toBe(first.sha256);
  expect([...first.inputs].sort()).toEqual(["lib.ts", "main.ts", "worker.ts"].map((name) => join(folder, name)));
  writeFileSync(join(folder, "lib.ts"), "export const a = 2;");
  expect((await made(folder)).sha256).not.toBe(first.sha256);
});

test("a source that is part of two programs is in the bundle once", async () => {
  const folder = project({
    "main.ts": `import { Worker } from "node:worker_threads"; import { text } from "./shared.ts"; console.log(text.length); new Worker(new URL("./worker.ts", import.meta.url));`,
    "worker.ts": 'import { text } from "./shared.ts"; console.log(text.length);',
    "shared.ts": `export const text = "${"only once ".repeat(3)}";`,
  });
  expect(readFileSync(await artifact(folder, "main.ts"), "utf8").split("only once only once").length).toBe(2);
});

test("a thread that cannot be built is told as the program is", async () => {
  const folder = project({
    "main.ts": `import { Worker } from "node:worker_threads"; new Worker(new URL("./src/worker.ts", import.meta.url));`,
    "src/worker.ts": 'import "nowhere/x";\nconst b = ;',
  });
  const error = await failure(bundle({ entry: join(folder, "main.ts"), folder }));
  expect(error).toMatchObject({ code: "script.build-failed", details: { files: [join(folder, "src/worker.ts")] } });
  expect(error.message).toContain("Cannot build main.ts: src/worker.ts:2:11: ");
});

test("a pool imports TypeScript out of the bundle, whatever its workers are, and of several modules each", async () => {
  const main = `import { createPool } from "@constellation/pool"; import { count } from "./state.ts";
    count(); count();
    async function all() {
      const seen: unknown[] = [];
      for (const placement of ["thread", "process", "inline"] as const) {
        const pool = createPool<typeof import("./tasks.ts")>({ module: new URL("./tasks.js", import.meta.url), placement });
        const lease = await pool.lease();
        seen.push(await pool.run("double", 21), await pool.run("place", 0), await lease.load(new URL("./room.ts", import.meta.url), "x"));
        await lease.release();
        await pool.close();
      }
      const modules = { a: { url: new URL("./tasks.ts", import.meta.url) }, b: { url: new URL("./common.cts", import.meta.url) } };
      const pool = createPool({ modules, placement: "thread" });
      console.log(JSON.stringify([...seen, await pool.run("a/double", 4), await pool.run("b/triple", 4)]));
      await pool.close();
    }`;
  const folder = project({
    "main.ts": `${main}\nvoid all();`,
    "awaiting.ts": `${main}\nawait all();`,
    "tasks.ts": `import { count } from "./state.ts"; export const double = (n: number): number => 2 * n;
      export const place = (_: number): unknown => [import.meta.url, import.meta.main, count()];`,
    "common.cts": "exports.triple = (n: number): number => 3 * n;",
    "room.ts": 'export default (_: unknown, data: string): string => "room " + data;',
    "state.ts": "let counted = 0; export const count = (): number => (counted += 1);",
    "node_modules/@constellation/.keep": "",
  });
  symlinkSync(fileURLToPath(new URL("../../pool", import.meta.url)), join(folder, "node_modules/@constellation/pool"));
  const place = (counted: number) => [`file://${folder}/tasks.ts`, false, counted];
  const each = (counted: number) => [42, place(counted), "room x"];
  expect(JSON.parse(await run(folder, "main.ts"))).toEqual([...each(1), ...each(1), ...each(3), 8, 12]);
  // Who waits for it at its top is not there yet: on the caller's own thread the task has sources of its own.
  expect(JSON.parse(await run(folder, "awaiting.ts"))).toEqual([...each(1), ...each(1), ...each(1), 8, 12]);
  writeFileSync(join(folder, "tasks.ts"), "const broken = ;");
  expect((await failure(bundle({ entry: join(folder, "main.ts"), folder }))).message).toContain("tasks.ts:1:16: ");
}, 60_000);

test("what is only named may be text that cannot be built, and says why when it is started after all", async () => {
  const folder = project({
    "main.ts": `import { Worker } from "node:worker_threads"; import { readFileSync } from "node:fs";
      const template = new URL("./template.ts", import.meta.url), worker = new URL("./worker.ts", import.meta.url);
      console.log(readFileSync(template, "utf8")); new Worker(worker);
      new Worker(template).on("error", ({ message }: Error) => console.log(message));`,
    "template.ts": 'import "not-installed"; <%= rest %>',
    "worker.ts": 'console.log("thread" as string);',
  });
  const said = (await run(folder, "main.ts")).split("\n");
  expect(said[0]).toBe('import "not-installed"; <%= rest %>');
  expect(said).toContain("thread");
  expect(said.join()).toContain("Cannot build template.ts: template.ts:1:26: ");
  const { inputs } = await bundle({ entry: join(folder, "main.ts"), folder });
  expect(inputs).toContain(join(folder, "template.ts"));
});

test.each([
  ["What a comment names", '/** As in `new Worker(new URL("./other.ts", import.meta.url))` */ console.log(threadId);'],
  ["What is not there", 'console.log(threadId, new URL("./another.ts", import.meta.url));'],
  ["What has types alone", 'console.log(threadId, new URL("./types.d.ts", import.meta.url));'],
  ["A file of a program that starts nothing", 'console.log(new URL("./other.ts", import.meta.url));'],
])("%s is no program", async (_, main) => {
  const starts = main.includes("threadId") ? 'import { threadId } from "node:worker_threads";\n' : "";
  const folder = project({ "main.ts": starts + main, "other.ts": "const broken = ;", "types.d.ts": "" });
  const { bytes, inputs } = await bundle({ entry: join(folder, "main.ts"), folder });
  expect(inputs).toEqual([join(folder, "main.ts")]);
  expect(Buffer.from(bytes).toString()).not.toContain("__constellationName");
});
