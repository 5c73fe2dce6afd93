"use strict";
// The preload of programs that share a port (listen.cjs), compiled and done once while there is time. To such a program it
// lies, and runs, where any other finds it.
const { readFileSync } = require("node:fs");
const http = require("node:http");
const Module = require("node:module");
const net = require("node:net");
const { join } = require("node:path");
const vm = require("node:vm");
const { setEnvironmentData } = require("node:worker_threads");

const names = ["listen.cjs", "drain.cjs", "door.cjs", "turns.cjs"];
const parameters = ["exports", "require", "module", "__filename", "__dirname"];

/** In a folder of this process alone; nothing is left there. */
const doorPath = "/tmp/warm.sock";

/** `from`: where the files lie while this Node waits; `folder`: where they will lie. Resolves to what loads the preload. */
exports.readyPreload = async (native, from, folder) => {
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
  const preload = () => load(join(folder, names[0]));
  await listenOnce(native, preload);
  for (const path of compiled.keys()) delete Module._cache[path];
  return preload;
};

// A server with the preload, from its first line to the moment at which it listens. What the preload has changed is changed
// back.
async function listenOnce(native, preload) {
  const { listen } = net.Server.prototype;
  const { _createServerHandle: createHandle } = net;
  const socket = net.createServer();
  const server = http.createServer();
  await new Promise((resolve, reject) => socket.on("error", reject).listen(0, "127.0.0.1", resolve));
  const door = (await canOpen(doorPath)) ? doorPath : undefined;
  const ports = [{ port: 1, fds: [native.copy(socket._handle.fd)], door }];
  process.env.CONSTELLATION_LISTEN = JSON.stringify({ drainMs: 0, option: "", ports });
  preload();
  await new Promise((resolve, reject) => server.on("error", reject).listen(1, () => server.close(resolve)));
  await new Promise((resolve) => socket.close(resolve));
  net.Server.prototype.listen = listen;
  net._createServerHandle = createHandle;
  setEnvironmentData("constellation.listen", undefined);
}

// A door that cannot be opened is told to the reader of the program's log: here there is none.
function canOpen(door) {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.on("error", () => resolve(false)).listen(door, () => server.close(() => resolve(true)));
  });
}

const compile = (source, filename) => vm.compileFunction(readFileSync(source, "utf8"), parameters, { filename });
