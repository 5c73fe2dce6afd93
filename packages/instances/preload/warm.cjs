"use strict";
// A Node that waits for a script: everything is loaded that most scripts need, then it stands still in one system call
// until its supervisor says what to run, and becomes the program that a cold start would have been.
//   node [options] warm.cjs warm.node warm-up.mjs <room for the words of the command>
const { warmUp } = require("./warm-up.cjs");
const { become, placesOfWords } = require("./become.cjs");

/** The channel to the supervisor; see launcher/standby.c. */
const channel = 3;

const [, , library, example] = process.argv;
const native = require(library);

warmUp(example).then(() => setImmediate(begin), fail);

function begin() {
  const places = placesOfWords();
  const [paper, ...sockets] = native.wait(channel);
  if (paper === undefined) process.exit(0); // the supervisor is gone
  become(native, places, channel, paper, sockets);
}

// A promise's own way to fail would say where; a program that nobody has begun has no reader.
function fail(error) {
  process.stderr.write(`constellation: Node could not be warmed up: ${error.stack}\n`);
  process.exit(70);
}
