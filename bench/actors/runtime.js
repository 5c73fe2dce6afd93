// What the Savina cases run on: this package, or, behind the same few calls, the peer that RUNTIME names.
//
//   actor({ onStart?, receive, mailbox? })   a kind of actor; its functions get the context last: `self`, `stop()`
//   open() → system                          `system.spawn(kind, { args })` → a ref with `send(message)`
//   counts(system), close(system)            messages handled and dropped; the end of it
const peer = process.env["RUNTIME"];

export const { actor, open, counts, close } = await import(peer === undefined ? "./ours.js" : `./peers/${peer}.js`);
