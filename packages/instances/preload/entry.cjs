"use strict";
// Where a program begins. The stack of its first line is part of what an error shows, so it must be that of a cold start:
// nothing of ours below it, and Node's own first function at the bottom.
const { createServer } = require("node:net");
const Module = require("node:module");
const vm = require("node:vm");

const bottom = /^ +at (node:internal\/main\/run_main_module):(\d+):(\d+)$/m;
const text = "(function (Module, file) { Module.runMain(file); })";

/** What begins a program, once: call it with the file. `stack`: that of the first line of a main module. */
exports.readyEntry = async (stack) => {
  const run = entryAt(stack);
  const handle = await unusedHandle();
  // Once with nothing behind it, so that it is compiled.
  enter(run, { close: () => undefined }, "");
  return enter.bind(undefined, run, handle);
};

// Node calls this itself, from its loop, as it calls what it runs first: an error there is nobody's but the program's.
const enter = (run, handle, file) => handle.close(run.bind(undefined, Module, file));

// A function without a name, at the place of Node's own.
function entryAt(stack) {
  const [, filename, line, column] = bottom.exec(stack) ?? [null, "node:internal/main/run_main_module", 1, 1];
  return vm.runInThisContext(text, {
    filename,
    lineOffset: Number(line) - 1,
    columnOffset: Number(column) - 1 - text.indexOf("runMain"),
  });
}

// Its end is an event that costs nothing: nothing was ever opened.
function unusedHandle() {
  return new Promise((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const Handle = server._handle.constructor;
      server.close(() => resolve(new Handle(0)));
    });
  });
}
