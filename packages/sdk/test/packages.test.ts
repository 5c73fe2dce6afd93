import { execFileSync } from "node:child_process";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { prepareApps } from "../src/apps/prepare.ts";
import { bundle } from "../src/bundle/bundle.ts";
import { artifact, failure, project, run } from "./project.ts";

test("CommonJS gets from a package what its package.json says for require, and not what it says for bundlers", async () => {
  const folder = project({
    "main.cjs": 'console.log(typeof require("dual"));',
    "node_modules/dual/package.json":
      '{"exports":{"module":"./esm.mjs","import":"./esm.mjs","require":"./common.cjs","default":"./esm.mjs"}}',
    "node_modules/dual/esm.mjs": "export default () => {};",
    "node_modules/dual/common.cjs": "module.exports = () => {};",
  });
  expect(await run(folder, "main.cjs")).toBe("function\n");
});

test("an ES module that says what require() of it answers is heard", async () => {
  const files = {
    "main.cjs": 'const make = require("make"); console.log(make(), make.named, Object.keys(require("plain")));',
    "main.mjs": 'import make, * as all from "make"; console.log(make(), Object.keys(all).sort()); await 1;',
    "node_modules/make/package.json": '{"type":"module","exports":"./index.js"}',
    "node_modules/make/index.js":
      'const make = () => "made"; make.named = 1; export default make; export { make as "module.exports" };',
    "node_modules/plain/package.json": '{"type":"module","exports":"./index.js"}',
    "node_modules/plain/index.js": "export const x = 1;",
  };
  const folder = project(files);
  expect(await run(folder, "main.cjs")).toBe("made 1 [ 'x' ]\n");
  expect(await run(folder, "main.mjs")).toBe("made [ 'default', 'module.exports' ]\n");
});

test("a name that is made up when it runs, of which nothing is there, is looked for then", async () => {
  const folder = project({
    "main.cjs": `const { code, later } = require("probing"); console.log(code);
      const at = (name) => later(name).then(({ x }) => console.log(x), ({ code }) => console.log(code));
      require("fs").mkdirSync(__dirname + "/node_modules/probing/late");
      require("fs").writeFileSync(__dirname + "/node_modules/probing/late/a.mjs", "export const x = 7;");
      at("a").then(() => at("b"));`,
    "node_modules/probing/package.json": "{}",
    "node_modules/probing/index.js": `"use strict"; const é = "é"; for (const b of ["Release"])
      try { require(\`./src/build/\${b}/Native\`); } catch ({ code }) { exports.code = code; }
      exports.é = é, exports.later = (name) => import("./late/" + name + ".mjs");`,
  });
  expect(await run(folder, "main.cjs")).toBe("MODULE_NOT_FOUND\n7\nERR_MODULE_NOT_FOUND\n");
});

test.each([
  ["CommonJS", ""],
  ["an ES module", "await 1;"],
])("names that are only known when it runs are looked for from their source, by %s", async (_, more) => {
  const folder = project({
    "main.ts": `import { load, loadAll } from "./lib/load.cjs"; import { appender } from "appending"; import { at, json } from "./lib/at.ts";
      const é = "\u2028é"; class Loader { require(name: string) { return name; } import(name: string) { return name; } }
      const list = async () => [load("./beside.cjs"), load("inner"), appender("file"), new Loader().import("own"), loadAll((name) => name + "!"),
        (await at("./beside.cjs")).default, (await json(new URL("lib/data.json", import.meta.url))).default.x, typeof (await at("fs")).default.read, (await at("inner")).default, await at("./none.js").catch((error) => error.code)];
      void list().then((all) => console.log(JSON.stringify(all))); ${more}`,
    "lib/load.cjs": "exports.load = (name) => require(name); exports.loadAll = (require) => require(String(1));",
    "lib/at.ts":
      "/* é */ export const at = (name: string): Promise<any> => import(name); export const json = (name: URL): Promise<any> => import(String(name), { with: { type: 'json' } });",
    "lib/beside.cjs": 'module.exports = "beside";',
    "lib/data.json": '{"x":"json"}',
    "lib/node_modules/inner/index.js": 'module.exports = "inner";',
    "node_modules/appending/index.js":
      'const core = new Map(); exports.appender = (type) => core.get(type) || require(["./appenders", type].join("/"));',
    "node_modules/appending/appenders/file.js": 'module.exports = "appender";',
  });
  expect(JSON.parse(await run(folder, "main.ts"))).toEqual([
    "beside",
    "inner",
    "appender",
    "own",
    "1!",
    "beside",
    "json",
    "function",
    "inner",
    "ERR_MODULE_NOT_FOUND",
  ]);
});

const instrumented = {
  "main.ts": `import { Hook } from "./hook.cjs"; import one from "one"; import two, { named } from "two"; import "@own/lib";
    console.log(Hook.seen.sort().join(), one.deep, two, named);`,
  "main.mjs": 'import two, { named } from "two"; import one from "one"; console.log(two, named, one.deep);',
  "hook.cjs": `const Module = require("module"); const load = Module._load; const seen = [];
    Module._load = function (name, ...rest) { if (/^[a-z]+$/.test(name) && !Module.isBuiltin(name)) seen.push(name); return load.call(this, name, ...rest); };
    exports.Hook = { seen };`,
  "packages/lib/package.json": '{"name":"@own/lib","type":"module","exports":"./index.ts"}',
  "packages/lib/index.ts": 'enum Level { Low } console.log("linked", Level.Low);',
  "node_modules/one/package.json": '{"main":"index.js"}',
  "node_modules/one/index.js": 'exports.deep = require("deep");',
  "node_modules/deep/index.js": 'module.exports = "deep";',
  "node_modules/two/package.json": '{"type":"module","exports":"./index.js"}',
  "node_modules/two/index.js": 'export default "default"; export const named = "named";',
};

test.each([
  [["one"], ["node_modules/two/index.js"], "deep,one"],
  [["*"], [], "deep,one,two"],
  [["t*", "@other/*"], ["node_modules/deep/index.js", "node_modules/one/index.js"], "two"],
])(
  "packages that are external (%j) are loaded when it runs, as what changes them wants",
  async (external, inside, seen) => {
    const folder = project({ ...instrumented });
    symlinkSync("../packages", join(folder, "node_modules/@own"));
    const { inputs } = await bundle({ entry: join(folder, "main.ts"), folder, external });
    const bundled = inputs.filter((path) => path.includes("node_modules")).map((path) => path.slice(folder.length + 1));
    expect(bundled.sort()).toEqual(inside);
    const file = await artifact(folder, "main.ts", external);
    expect(execFileSync(process.execPath, [file], { cwd: folder, encoding: "utf8" })).toBe(
      `linked 0\n${seen} deep default named\n`,
    );
    const module = await artifact(folder, "main.mjs", external);
    expect(execFileSync(process.execPath, [module], { cwd: folder, encoding: "utf8" })).toBe("default named deep\n");
  },
);

test("an app's `external` is that of its bundle alone", async () => {
  const folder = project({
    "main.js": 'console.log(require("one"));',
    "node_modules/one/package.json": "{}",
    "node_modules/one/index.js": 'module.exports = "the one";',
  });
  const app = { name: "a", script: "main.js" };
  const { artifacts } = await prepareApps(
    [app, { ...app, name: "b", external: ["one"] }, { ...app, name: "c" }],
    folder,
  );
  expect(artifacts.map(({ bytes }) => Buffer.from(bytes).includes("the one"))).toEqual([true, false]);
});

test("an external package that resolves from its caller's file finds the program's source", async () => {
  const folder = project({
    "src/main.js": 'console.log(require("calling")("./data.json").x);',
    "src/data.json": '{"x":5}',
    "node_modules/calling/package.json": "{}",
    "node_modules/calling/index.js": `const { createRequire } = require("module");
      module.exports = (name) => { const plain = Error.prepareStackTrace; Error.prepareStackTrace = (_, sites) => sites[1].getFileName();
        const caller = new Error().stack; Error.prepareStackTrace = plain; return createRequire(caller)(name); };`,
  });
  const file = await artifact(folder, "src/main.js", ["calling"]);
  expect(execFileSync(process.execPath, [file], { cwd: folder, encoding: "utf8" })).toBe("5\n");
});

test("an external package outside of the app's folder is refused, with what to set", async () => {
  const folder = project({
    "app/main.js": 'console.log(require("far"));',
    "node_modules/far/package.json": "{}",
    "node_modules/far/index.js": "module.exports = 1;",
  });
  const app = join(folder, "app");
  const error = await failure(bundle({ entry: join(app, "main.js"), folder: app, external: ["far"] }));
  expect(error.message).toContain(`Cannot build with far: it is \`external\` and lies in ${folder}/node_modules/far`);
  expect(error.remedy).toContain("Set `folder`");
});

const jsx = {
  "node_modules/react/package.json": '{"exports":{".":"./index.js","./jsx-runtime":"./runtime.js"}}',
  "node_modules/react/index.js": 'exports.createElement = (name) => "React " + name;',
  "node_modules/react/runtime.js": 'exports.jsx = (name) => "runtime " + name;',
  "node_modules/preact/package.json": '{"exports":{"./jsx-runtime":"./runtime.js"}}',
  "node_modules/preact/runtime.js": 'exports.jsx = (name) => "preact " + name;',
};

test.each([
  ["has no React", "/* React? */ console.log(<b/>);", null, "runtime b"],
  ["names another package", "/** @jsxImportSource preact */ console.log(<b/>);", null, "preact b"],
  ["has no React, whose tsconfig.json leaves JSX to others", "console.log(<b/>);", { jsx: "preserve" }, "runtime b"],
  ["imports React", 'import * as React from "react"; console.log(<b/>);', null, "React b"],
  ["says what to call", "/** @jsx h */ const h = (name: string) => name; console.log(<b/>);", null, "b"],
  [
    "is told what to call",
    "const h = (name: string) => name; console.log(<b/>);",
    { jsx: "react", jsxFactory: "h" },
    "b",
  ],
])("JSX of a source that %s", async (_, text, compilerOptions, printed) => {
  const config = compilerOptions === null ? {} : { "tsconfig.json": JSON.stringify({ compilerOptions }) };
  expect(await run(project({ ...jsx, ...config, "main.tsx": text }), "main.tsx")).toBe(`${printed}\n`);
});
