import type { AppInput, ArtifactFormat } from "@constellation/contract";
import { transformSync } from "esbuild";

/** A script whose every line and whose end must be the same, however it was started. */
export interface EqualityCase {
  readonly name: string;
  /** Body of an ES module, or of CommonJS. */
  readonly script: string;
  /** @default "module" */
  readonly format?: ArtifactFormat;
  readonly spec?: Partial<AppInput>;
  readonly args?: readonly string[];
  /** Sent when the script has written "ready". */
  readonly signal?: string;
  /** It is its very point that it says nothing. */
  readonly silent?: boolean;
  /** Other files of the app's folder. */
  readonly files?: Readonly<Record<string, string>>;
}

const show = (expression: string): string => `console.log(JSON.stringify(${expression}, null, 1));`;

export const moduleCases: readonly EqualityCase[] = [
  {
    name: "words: argv, execArgv, argv0, execPath, title, and what ps shows",
    args: ["one", "two words", "--three=$HOME", "ü"],
    script: `import { readFileSync } from "node:fs";
      ${show("[process.argv, process.execArgv, process.argv0, process.execPath, process.title]")}
      for (const file of ["cmdline", "comm", "environ"]) console.log(readFileSync("/proc/self/" + file, "utf8").replaceAll("\\0", "|"));`,
  },
  {
    name: "a title of its own",
    script: `import { readFileSync } from "node:fs"; process.title = "mine";
      console.log(process.title, readFileSync("/proc/self/cmdline", "utf8"), readFileSync("/proc/self/comm", "utf8"));`,
  },
  {
    name: "the environment, in its order, and its special nature",
    spec: { env: { NODE_ENV: "production", A: "1", EMPTY: "", UMLAUT: "grün", NO_COLOR: "1" } },
    script: `${show("process.env")} process.env.N = 5; console.log(typeof process.env.N, "PATH" in process.env, process.env.NOPE, delete process.env.A, Object.keys(process.env).length);`,
  },
  {
    name: "options in NODE_OPTIONS that Node can wait with",
    spec: {
      env: { NODE_OPTIONS: "--no-warnings --max-http-header-size=20000 --stack-trace-limit=3 --enable-source-maps" },
    },
    script: `import { maxHeaderSize } from "node:http"; process.emitWarning("unseen");
      console.log(process.env.NODE_OPTIONS, process.execArgv, maxHeaderSize, Error.stackTraceLimit, process.sourceMapsEnabled, new Error("x").stack);
      Error.stackTraceLimit = 50; console.log(new Error("y").stack);`,
  },
  {
    name: "time zone and locale",
    spec: { env: { TZ: "Asia/Kathmandu" } },
    script: `console.log(new Date(0).toString(), Intl.DateTimeFormat().resolvedOptions(), (1234.5).toLocaleString());`,
  },
  {
    name: "variables that are read at startup",
    spec: { env: { UV_THREADPOOL_SIZE: "2", NODE_NO_WARNINGS: "1", LANG: "de_DE.UTF-8" } },
    script: `process.emitWarning("unseen"); console.log(process.env.UV_THREADPOOL_SIZE, Intl.DateTimeFormat().resolvedOptions().locale);`,
  },
  {
    name: "place: cwd, import.meta, resolution",
    script: `${show("[process.cwd(), Reflect.ownKeys(import.meta).map(String), import.meta.url, import.meta.dirname, import.meta.filename]")}
      ${show('[import.meta.resolve("./x.js"), import.meta.resolve("node:fs"), Object.getPrototypeOf(import.meta)]')}
      console.log(typeof require, typeof module, typeof __filename, this);`,
  },
  {
    name: "CommonJS beside it: require, main, cache",
    files: {
      "lib.cjs": `module.exports = { main: String(require.main?.filename), parent: module.parent?.id ?? null, id: module.id, paths: module.paths };`,
    },
    script: `import { createRequire } from "node:module"; import { join } from "node:path";
      const require = createRequire(join(process.cwd(), "package.json"));
      console.log(Object.keys(require.cache), require.main, process.mainModule);
      ${show('require("./lib.cjs")')} console.log(Object.keys(require.cache));`,
  },
  {
    name: "imports of files, of JSON, of what is not there",
    files: { "other.mjs": "export const url = import.meta.url;", "data.json": '{"a":1}' },
    script: `const at = (name) => import("file://" + process.cwd() + "/" + name);
      console.log((await at("other.mjs")).url);
      for (const name of ["missing.mjs", "data.json"]) await at(name).catch((error) => console.log(error.code, error.message));
      await import("no-such-package").catch((error) => console.log(error.code, error.message));`,
  },
  ...[0, 7, 255].map((code) => ({
    name: `process.exit(${code})`,
    script: `console.log("bye"); process.exit(${code});`,
  })),
  {
    name: "an exit code that was set",
    script: `process.exitCode = 3; process.on("exit", (code) => console.log("exit", code));`,
  },
  {
    name: "the last events",
    script: `let asked = 0; process.on("beforeExit", () => { console.log("beforeExit"); if (asked++ < 1) setTimeout(() => console.log("more"), 1); }); process.on("exit", () => console.log("exit"));`,
  },
  { name: "an error at the top", script: `const f = () => { throw new TypeError("boom"); };\nf();` },
  {
    name: "an error with a cause and fields",
    script: `throw Object.assign(new Error("outer", { cause: new Error("inner") }), { code: "E_MINE" });`,
  },
  { name: "a thrown value that is no error", script: `throw { not: "an error" };` },
  { name: "an error in a timer", script: `setTimeout(function late() { throw new Error("late"); }, 1);` },
  {
    name: "an error after an await",
    script: `async function deep() { await null; throw new Error("deep"); }\nawait deep();`,
  },
  {
    name: "a rejection that nobody handles",
    script: `Promise.reject(new Error("nobody")); setTimeout(() => console.log("never"), 1000);`,
  },
  { name: "a rejection with a value", script: `Promise.reject(42);` },
  {
    name: "handlers of last resort",
    script: `process.on("uncaughtException", (error, origin) => console.log(error.message, origin)); process.on("unhandledRejection", (reason) => console.log("rejected", reason)); Promise.reject("r"); setTimeout(() => { throw new Error("x"); }, 1);`,
  },
  { name: "an await that never ends", script: `await new Promise(() => {});` },
  { name: "a syntax error", script: `let a = ;` },
  { name: "an import that is not there", script: `import { nothing } from "node:fs"; console.log(nothing);` },
  { name: "process.abort()", script: `process.abort();` },
  { name: "a signal to itself", script: `process.kill(process.pid, "SIGKILL"); setInterval(() => {}, 1000);` },
  ...["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR2", "SIGQUIT"].map((signal) => ({
    name: `${signal} without a handler`,
    signal,
    script: `console.log("ready"); setInterval(() => {}, 1000);`,
  })),
  {
    name: "SIGTERM with a handler",
    signal: "SIGTERM",
    script: `process.on("SIGTERM", (name, number) => { console.log(name, number); process.exit(5); }); console.log("ready"); setInterval(() => {}, 1000);`,
  },
  { name: "SIGPIPE", signal: "SIGPIPE", script: `console.log("ready"); setTimeout(() => console.log("alive"), 300);` },
  {
    name: "output is complete at process.exit",
    script: `for (let line = 0; line < 500; line += 1) process.stdout.write("line " + line + " " + "x".repeat(80) + "\\n"); process.stderr.write("end\\n"); process.exit(0);`,
  },
  {
    name: "streams: kinds, marks, flags",
    script: `const of = (stream) => [stream.constructor.name, stream.fd, stream.isTTY, stream.writable, stream.writableHighWaterMark, stream._type, stream.listenerCount("error")];
      ${show("[of(process.stdout), of(process.stderr)]")} let got = 0; process.stdin.on("data", () => got++).on("end", () => console.log("stdin ends", got));`,
  },
  {
    name: "rights: user, groups, umask, capabilities, filter",
    script: `import { readFileSync } from "node:fs"; import { userInfo } from "node:os";
      ${show("[process.getuid(), process.geteuid(), process.getgid(), process.getgroups(), process.umask(), process.pid, process.ppid]")}
      console.log(readFileSync("/proc/self/status", "utf8").split("\\n").filter((line) => /^(Cap|NoNew|Seccomp|Uid|Gid|Groups|Sig(Blk|Ign|Cgt)|NSpid|Umask)/.test(line)).join("\\n"));
      console.log(readFileSync("/proc/self/uid_map", "utf8"), readFileSync("/proc/self/setgroups", "utf8"));
      try { console.log(userInfo()); } catch (error) { console.log(error.message); }`,
  },
  {
    name: "limits of the process",
    spec: { resources: { openFiles: 500, bestEffort: true } },
    script: `import { readFileSync } from "node:fs"; console.log(readFileSync("/proc/self/limits", "utf8"));`,
  },
  {
    name: "limits of the control group and of the heap",
    spec: { resources: { memory: "200MB", cpu: 0.5, pids: 50, bestEffort: true } },
    script: `import { getHeapStatistics } from "node:v8"; import { execSync } from "node:child_process";
      console.log(getHeapStatistics().heap_size_limit, process.execArgv, process.constrainedMemory());
      console.log(execSync("cat /proc/self/cgroup | sed 's/[^:]*$//'").toString());`,
  },
  {
    name: "hardly any room in /tmp",
    spec: { isolation: { tmp: 4096 } },
    script: `import { readdirSync, writeFileSync } from "node:fs"; console.log(readdirSync("/tmp"));
      try { writeFileSync("/tmp/x", "y".repeat(65536)); } catch ({ code }) { console.log(code); }`,
  },
  {
    name: "places: host name, root, temporary folder, data, what may be written",
    script: `import { writeFileSync, readdirSync, statSync } from "node:fs"; import { hostname, tmpdir, homedir } from "node:os";
      console.log(hostname(), tmpdir(), homedir(), readdirSync("/").join());
      for (const path of ["/x", "/usr/x", "x", "/tmp/x", "/data/x", "/run/x", "/dev/x", "/proc/x", "/run/constellation/x"])
        try { writeFileSync(path, ""); console.log(path, statSync(path).uid === process.getuid(), (statSync(path).mode & 0o777).toString(8)); } catch (error) { console.log(path, error.code); }
      console.log(readdirSync("/tmp"), readdirSync("/data"), readdirSync("/dev").join());`,
  },
  {
    name: "the folder of the app is read-only, and its own",
    files: { "file.txt": "text" },
    script: `import { readFileSync, writeFileSync } from "node:fs"; console.log(readFileSync("file.txt", "utf8")); try { writeFileSync("file.txt", ""); } catch (error) { console.log(error.message); }`,
  },
  {
    name: "order of turns",
    script: `setTimeout(() => console.log("timeout"), 500); setImmediate(() => console.log("immediate")); process.nextTick(() => console.log("tick")); Promise.resolve().then(() => console.log("microtask")); queueMicrotask(() => console.log("queued")); console.log("sync");`,
  },
  {
    name: "clocks begin with the program",
    script: `console.log(process.uptime() < 5, process.uptime.name, process.uptime.length, typeof process.hrtime.bigint(), Math.abs(performance.timeOrigin + performance.now() - Date.now()) < 50);`,
  },
  {
    name: "globals, process, listeners, what keeps it alive",
    script: `${show("[Object.getOwnPropertyNames(globalThis).sort(), Object.getOwnPropertyNames(process).sort(), process.eventNames().map(String), process.getActiveResourcesInfo()]")}
      ${show("[process.versions, process.features, process.release.name, process.config.variables.napi_build_version, process.allowedNodeEnvironmentFlags.size, Error.stackTraceLimit]")}`,
  },
  {
    name: "what it has open",
    script: `import { readdirSync, readlinkSync } from "node:fs";
      console.log("the first stream keeps a descriptor in reserve");
      const kinds = readdirSync("/proc/self/fd").flatMap((fd) => { try { return [fd < 3 ? fd + readlinkSync("/proc/self/fd/" + fd).replace(/\\d+/, "") : readlinkSync("/proc/self/fd/" + fd).replace(/\\d+/, "")]; } catch { return []; } });
      console.log([...new Set(kinds)].sort());`,
  },
  {
    name: "warnings and deprecations",
    script: `process.emitWarning("careful", { code: "C1", detail: "more" }); new Buffer(1); process.emitWarning("old", "DeprecationWarning", "DEP1");`,
  },
  {
    name: "threads",
    script: `import { Worker } from "node:worker_threads";
      new Worker("const { parentPort, isMainThread, threadId } = require('worker_threads'); parentPort.postMessage([isMainThread, threadId, process.argv.length, process.execArgv, process.env.A, Object.keys(require.cache)])", { eval: true, argv: ["a"] }).on("message", (m) => console.log(JSON.stringify(m)));`,
  },
  {
    name: "children",
    files: {
      "child.cjs": `process.send([process.execArgv, process.argv.slice(2), Object.keys(process.env).sort(), require("node:fs").readdirSync("/proc/self/fd").length > 3]); process.disconnect();`,
    },
    script: `import { fork, execFileSync } from "node:child_process";
      console.log(execFileSync("sh", ["-c", "ls -l /proc/self/fd | grep -c socket:; umask; id -u; env | sort"]).toString());
      fork("./child.cjs", ["x"]).on("message", (m) => console.log(JSON.stringify(m))).on("exit", (code) => console.log("child", code));`,
  },
  {
    name: "a server of its own, and its client",
    script: `import { createServer, get } from "node:http";
      const server = createServer((request, response) => { response.setHeader("Date", "x"); response.end(request.headers.host.replace(/\\d+$/, "")); });
      server.listen(0, "127.0.0.1", () => get({ port: server.address().port, host: "127.0.0.1" }, async (response) => { const parts = []; for await (const part of response) parts.push(String(part)); console.log(response.statusCode, JSON.stringify(response.headers), parts); server.close(); server.closeAllConnections(); }));`,
  },
  {
    name: "files, digests and streams",
    script: `import { createHash } from "node:crypto"; import { readFile } from "node:fs/promises"; import { gzipSync } from "node:zlib"; import { lookup } from "node:dns/promises";
      console.log(createHash("sha256").update("a").digest("hex"), (await readFile("/etc/hostname").catch((error) => error.code)).length > 0, gzipSync("aaaa").length, (await lookup("127.0.0.1")).address);`,
  },
];

/** The same in CommonJS, where a case is about no module; and what only CommonJS has. */
export const commonJsCases: readonly EqualityCase[] = [
  ...moduleCases.flatMap((given) => {
    const script = asCommonJs(given.script);
    return script === null ? [] : [{ ...given, script, name: `CommonJS: ${given.name}`, format: "commonjs" as const }];
  }),
  {
    name: "CommonJS: what surrounds it",
    format: "commonjs",
    script: show(
      "[require.main === module, process.mainModule === module, module.id, module.parent, module.children, module.loaded, module.paths, __filename, __dirname, this === module.exports, Object.keys(require.cache), arguments.length]",
    ),
  },
  {
    name: "CommonJS: where it stands, all the way down",
    format: "commonjs",
    script: `Error.stackTraceLimit = 100; console.log(new Error("here").stack); setTimeout(() => console.log(new Error("later").stack), 1);`,
  },
  {
    name: "CommonJS: sloppy, unless it says otherwise",
    format: "commonjs",
    script: `undeclared = 1; console.log(undeclared, (function () { return this === globalThis; })());`,
  },
  {
    name: "CommonJS: import()",
    format: "commonjs",
    files: { "beside.mjs": "export const stack = new Error('x').stack; export const url = import.meta.url;" },
    script: `import("node:os").then(({ EOL }) => console.log(EOL.length)); import("./beside.mjs").catch((error) => console.log(error.code)); import("file://" + process.cwd() + "/beside.mjs").then(({ url, stack }) => console.log(url, stack));`,
  },
  {
    name: "CommonJS: a module that is not there",
    format: "commonjs",
    script: `try { require("./missing.js"); } catch (error) { console.log(error.code, error.requireStack); } require("no-such-package");`,
  },
  {
    name: "CommonJS: its end in the middle of a line",
    format: "commonjs",
    script: `const f = () => { null.x; };\n\n  f(); console.log("never");`,
  },
];

/** Null for what only an ES module can hold. */
function asCommonJs(script: string): string | null {
  if (/import\.meta|^await |[^c] await [^n]/m.test(script)) return null;
  try {
    return transformSync(script, { format: "cjs", platform: "node", target: "node20", logLevel: "silent" }).code;
  } catch {
    // A mistake is a case of its own; what awaits at the top is none.
    return script.includes("await") ? null : script;
  }
}
