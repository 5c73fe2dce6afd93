"use strict";
// The preload of programs that share a port (listen.cjs), compiled while there is time. To such a program it lies, and runs,
// where any other finds it.
const { readFileSync } = require("node:fs");
const Module = require("node:module");
const { join } = require("node:path");
const vm = require("node:vm");

const names = ["listen.cjs", "drain.cjs", "door.cjs", "turns.cjs"];
const parameters = ["exports", "require", "module", "__filename", "__dirname"];

/** `from`: where the files lie while this Node waits; `folder`: where they will lie. Returns what loads the preload. */
exports.readyPreload = (from, folder) => {
  const compiled = new Map(names.map((name) => [join(folder, name), compile(join(from, name), join(folder, name))]));
  const load = (path) => {
    const known = Module._cache[path];
    if (known !== undefined) return known.exports;
    const module = new Module(path);
    module.filename = path;
    module.paths = Module._nodeModulePaths(folder);
    Module._cache[path] = module;
    const beside = (name) => (name.startsWith("./") ? load(join(folder, name)) : require(name));
    compiled.get(path).call(module.exports, module.exports, beside, module, path, folder);
    module.loaded = true;
    return module.exports;
  };
  return () => load(join(folder, names[0]));
};

const compile = (source, filename) => vm.compileFunction(readFileSync(source, "utf8"), parameters, { filename });
