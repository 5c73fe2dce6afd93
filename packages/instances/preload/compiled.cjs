"use strict";
// A program from what V8 made of it when it was compiled before. It runs as if Node had compiled it now: in its module, and
// with Node's own functions below its first line.
const Module = require("node:module");
const { dirname } = require("node:path");
const vm = require("node:vm");

const parameters = ["exports", "require", "module", "__filename", "__dirname"];
/** A line of its own, so that those of the program keep their numbers, and an error shows them as they are. */
const head = `(function (${parameters.join(", ")}) {`;
const loader = vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER;
const own = Object.getOwnPropertyDescriptor(Module.prototype, "_compile");

/** The program as V8 knows it, which can be kept. */
const scriptOf = (content, filename, cachedData) =>
  new vm.Script(`${head}\n${content}\n})`, {
    filename,
    lineOffset: -1,
    importModuleDynamically: loader,
    ...(cachedData === undefined ? {} : { cachedData }),
  });

/** What can be kept of a program. @throws SyntaxError when Node could not compile it */
exports.compile = (content, filename) => {
  vm.compileFunction(content, parameters, { filename });
  return scriptOf(content, filename).createCachedData();
};

/** `stack` of a main module. Resolves to what makes the next module that is loaded the program of this data. */
exports.readyCompiled = async (stack) => {
  await silence();
  const replace = compileAt(stack);
  return (cachedData) => {
    replace?.(Module, (module, content, filename, format) => {
      Object.defineProperty(Module.prototype, "_compile", own);
      const program = scriptOf(content, filename, cachedData).runInThisContext();
      const { exports, require } = surroundings(module, filename, format);
      return [program, exports, exports, require, module, filename, dirname(filename)];
    });
  };
};

const above =
  "(function (Module, begin) { Module.prototype._compile = function (content, filename, format) { const [f, ...all] = begin(this, content, filename, format); const result =\n";
const call = "f.call(...all); return result; }; })";

// The place in Node's loader from which programs are called; null where this Node has none that is known.
function compileAt(stack) {
  const [, filename, line, column] = /\((node:internal\/modules\/cjs\/loader):(\d+):(\d+)\)/.exec(stack) ?? [];
  const indent = Number(column) - 1 - call.indexOf("call");
  if (filename === undefined || indent < 0) return null;
  return vm.runInThisContext(above + " ".repeat(indent) + call, { filename, lineOffset: Number(line) - 2 });
}

// Only Node can make the `require` of a module.
function surroundings(module, filename, format) {
  module._compile("module.exports = [exports, require];", filename, format);
  const [exports, require] = module.exports;
  module.exports = exports;
  return { exports, require };
}

// Some lines of Node call the way to their loader experimental when it is first gone: that is not the program's to say.
async function silence() {
  const first = scriptOf('return import("node:fs");', "/first.cjs").runInThisContext();
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    await first();
  } finally {
    process.emitWarning = emitWarning;
  }
}
