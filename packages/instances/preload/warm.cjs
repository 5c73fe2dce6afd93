"use strict";
// A Node that waits for a script: everything is loaded that most scripts need, then it stands still in one system call
// until its supervisor says what to run, and becomes the program that a cold start would have been.
//   node [options] warm.cjs warm.node warm-up.mjs <folder of the preload, later> <room for the words of the command>
const { warmUp } = require("./warm-up.cjs");
const { become, placesOfWords, prepare, read, rehearse } = require("./become.cjs");
const { readyCompiled } = require("./compiled.cjs");
const { readyEntry } = require("./entry.cjs");
const { readyPreload } = require("./ready-preload.cjs");

/** The channel to the supervisor; see launcher/standby.c. */
const channel = 3;

/** V8 compiles once more what is called often: so often that it has nothing left to do when it counts. */
const rehearsals = 40;

const [, , library, example, preloadFolder] = process.argv;
const native = require(library);

const stack = stackOfMain();
const warmth = warmUp(example).then(() => readyPreload(native, __dirname, preloadFolder));
Promise.all([readyEntry(stack), readyCompiled(stack), warmth]).then(
  ([enter, useCompiled, preload]) => setImmediate(begin, { enter, useCompiled, preload }),
  fail,
);

function begin(beginning) {
  const places = placesOfWords();
  const again = () => rehearse(native, places);
  for (let times = 0; times < rehearsals; times += 1) again();
  native.warm(channel);
  const paper = paperAfter(again);
  const assignment = prepare(native, places, beginning, read(paper));
  become(native, channel, beginning, assignment, received());
}

// The stack of any program's first line, whole.
function stackOfMain() {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = Infinity;
  const { stack } = new Error();
  Error.stackTraceLimit = stackTraceLimit;
  return stack;
}

// Roused with nothing in hand, it is about to get the paper.
function paperAfter(rousing) {
  for (;;) {
    const [paper] = received();
    if (paper !== undefined) return paper;
    rousing();
  }
}

function received() {
  const descriptors = native.receive(channel);
  if (descriptors === undefined) process.exit(0); // the supervisor is gone
  return descriptors;
}

// A promise's own way to fail would say where; a program that nobody has begun has no reader.
function fail(error) {
  process.stderr.write(`constellation: Node could not be warmed up: ${error.stack}\n`);
  process.exit(70);
}
