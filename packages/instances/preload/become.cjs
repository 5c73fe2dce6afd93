"use strict";
// A warm Node becomes the program that a cold start would have been. The paper that its supervisor hands over says:
//   { "words": ["node", …, "main.mjs", …], "flags": […], "env": {…}, "cwd": "/app", "sockets": [3, 4], "limits": [[7, 1024]],
//     "compiled": false }
const fs = require("node:fs");
const Module = require("node:module");

/** What the supervisor says, from the descriptor that it hands over. */
exports.read = (descriptor) => readWhole(descriptor).toString();

/** What can be done before the program's folders and sockets are there. `places`: what {@link placesOfWords} said. */
exports.prepare = (native, places, { preload }, paper) => {
  const assignment = JSON.parse(paper);
  appear(native, places, assignment);
  if (assignment.sockets.length > 0) preload();
  return assignment;
};

/**
 * Becomes what it is already, and loads an empty program: V8 compiles a function when it is called first, and a processor has
 * forgotten what it has not done for long. Nothing of ours is found by the program afterwards.
 */
exports.rehearse = (native, places) => {
  const { execPath, execArgv: flags, argv, env, uptime } = process;
  const words = [execPath, ...flags, ...argv.slice(1)];
  const [cwd, sockets, limits, compiled] = [process.cwd(), [0], [[0, 0]], false];
  const paper = JSON.stringify({ words, flags, env, cwd, sockets, limits, compiled });
  exports.read(fs.openSync(__filename));
  const assignment = exports.prepare(native, places, nothing, paper);
  exports.become(nothing, 0, nothing, assignment, sockets);
  process.uptime = uptime;
  Module._load("/dev/null", null, false);
  forgetOurselves();
};

/** Stands in a rehearsal for everything that can be done only once. */
const nothing = {
  preload: () => undefined,
  enter: () => undefined,
  place: () => 0,
  limit: () => 0,
  shut: () => undefined,
};

// As what it shows itself, to the program and to others.
function appear(native, places, { words, flags, env }) {
  process.execArgv = flags;
  process.argv.splice(1, Infinity, ...words.slice(1 + flags.length));
  setEnvironment(env);
  showWords(native, places, words, env);
}

/** `beginning`: how a program begins (entry.cjs, compiled.cjs, ready-preload.cjs). `descriptors`: its sockets, and then what V8 made of it. */
exports.become = (native, channel, { enter, useCompiled }, assignment, descriptors) => {
  const { words, flags, cwd, sockets: numbers, limits, compiled } = assignment;
  const sockets = descriptors.slice(0, numbers.length);
  const program = compiled ? readWhole(descriptors.at(-1)) : null;
  takeDescriptors(native, channel, sockets, numbers);
  for (const [resource, value] of limits) check(native.limit(resource, value), `limit ${resource}`);
  process.chdir(cwd);
  startClock();
  if (program !== null) useCompiled(program.subarray(digestBytes));
  enter(words[1 + flags.length]);
};

/** See compiled-file.ts. */
const digestBytes = 32;

function readWhole(descriptor) {
  const bytes = fs.readFileSync(descriptor);
  fs.closeSync(descriptor);
  return bytes;
}

// Sockets get the numbers that the program expects, from the channel's on; what is left of the channel goes.
function takeDescriptors(native, channel, sockets, numbers) {
  sockets.forEach((descriptor, at) => check(native.place(descriptor, numbers[at]), "place a socket"));
  native.shut(channel + sockets.length, channel + 15);
}

function setEnvironment(env) {
  // All of them, so that they come in the order in which they are given.
  for (const name of Object.keys(process.env)) delete process.env[name];
  for (const [name, value] of Object.entries(env)) process.env[name] = value;
}

// In proc(5) order of /proc/self/stat, counted from the field after the name: code, data, heap, stack, words, environment.
const fieldsOfPlaces = [26, 27, 45, 46, 47, 28, 48, 49, 50, 51];

/** Where the kernel finds the words and the environment of this process. To be asked while there is time. */
exports.placesOfWords = () => {
  const stat = fs.readFileSync("/proc/self/stat", "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Buffer.from(BigUint64Array.from(fieldsOfPlaces, (field) => BigInt(fields[field - 3])).buffer);
};

// `ps` shows what runs, not what waited. Kernels that do not allow it go on showing the latter: nothing depends on it.
function showWords(native, places, words, env) {
  const texts = (list) => Buffer.from(list.map((text) => `${text}\0`).join(""));
  native.show(places, texts(words), texts(Object.entries(env).map(([name, value]) => `${name}=${value}`)));
}

// The program's life begins now.
function startClock() {
  const { uptime } = process;
  const waited = uptime();
  process.uptime = () => uptime() - waited;
  Object.defineProperty(process.uptime, "name", { value: "uptime" });
}

function forgetOurselves() {
  for (const path of Object.keys(require.cache)) delete require.cache[path];
  for (const key of Object.keys(Module._pathCache)) delete Module._pathCache[key];
  delete process.mainModule;
}

function check(result, what) {
  if (result < 0) throw new Error(`Cannot ${what} of the program: errno ${-result}`);
}
