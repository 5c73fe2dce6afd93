// One build's pool for handover-ab.js, in a process of its own. Argv: the build, the placement, what its spares preload.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { openHandOver } from "./handover.js";

const [build, placement, ...preload] = process.argv.slice(2);
const { createPool } = await import(pathToFileURL(join(build, "packages/pool/dist/index.js")).href);
const bench = await openHandOver(createPool, { placement, preload });
process.on("message", (command) => void obey(command));
process.send("ready");

async function obey(command) {
  const value = await bench[command]();
  // The other build has its turn when this one is quiet again.
  if (command === "close") process.disconnect();
  else {
    await bench.allIdle();
    process.send(value);
  }
}
