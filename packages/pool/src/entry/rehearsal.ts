import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** As long as the paths of dozens of modules together. */
const longPath = `/${"fold%65r/".repeat(300)}`;

/** What a worker loads in its rehearsals, the way a leased one loads the module of its holder. */
export default function rehearse(): null {
  // For each module Node looks at every character of its path. At some module that was enough of them for V8 to optimize
  // the loops: the hand-over that it was then took twice its time.
  for (let times = 0; times < 10; times += 1) resolve(fileURLToPath(`file://${longPath}`));
  return null;
}
