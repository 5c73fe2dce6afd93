"use strict";
// Libraries that give tests files in memory (mock-fs) put their own functions into what `node:fs` calls. Between two tests
// of a suite that does so once for all of them the journal is to reach the disk: Node's own are kept, and put back for a moment.

/** Node warns of the way in only where it is asked to. */
const isWarned =
  process.env.NODE_PENDING_DEPRECATION === "1" ||
  [...process.execArgv, process.env.NODE_OPTIONS].some((words) => /--pending-deprecation/.test(words));

let binding;
try {
  binding = isWarned ? undefined : process.binding("fs");
} catch {
  // Not with Node's permission model.
}
const own = { ...binding };

/** Does something with the files of the machine, at once. */
module.exports = function real(work) {
  if (binding === undefined || binding.writeString === own.writeString) return work();
  const theirs = { ...binding };
  Object.assign(binding, own);
  try {
    return work();
  } finally {
    Object.assign(binding, theirs);
  }
};
