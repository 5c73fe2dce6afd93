"use strict";
// A Node that waits for a script: everything is loaded that most scripts need, then it stands still in one system call
// until its supervisor says what to run, and becomes the program that a cold start would have been.
//   node [options] warm.cjs warm.node warm-up.mjs <room for the words of the command>
const { warmUp } = require("./warm-up.cjs");
const { become, placesOfWords, prepare } = require("./become.cjs");
const { readyEntry } = require("./entry.cjs");

/** The channel to the supervisor; see launcher/standby.c. */
const channel = 3;

const [, , library, example] = process.argv;
const native = require(library);

Promise.all([readyEntry(), warmUp(example)]).then(([enter]) => setImmediate(begin, enter), fail);

function begin(enter) {
  const places = placesOfWords();
  native.warm(channel);
  const [paper] = received();
  const assignment = prepare(native, places, paper);
  become(native, channel, enter, assignment, received());
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
