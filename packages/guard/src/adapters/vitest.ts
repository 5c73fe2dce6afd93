import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { ConstellationError } from "@constellation/contract";
import { type Adapter, guestFile } from "./adapter.ts";
import { withJobs } from "./own-words.ts";

/** Vitest, through its Node API with a runner of ours over its own. */
export const vitest: Adapter = {
  name: "vitest",
  shape: "whole",
  nothingToRun: [],
  program({ root, stateDirectory, args, paths, jobs, exclude, node }) {
    return {
      program: process.execPath,
      args: [
        ...node.slice(0, -1),
        guestFile("vitest.mjs"),
        writeRunner(root, stateDirectory),
        ...withJobs(args, ["--maxWorkers", "--max-workers"], jobs),
        ...exclude.flatMap((file) => ["--exclude", file]),
        ...paths,
      ],
      environment: {},
    };
  },
};

/** Vitest loads a runner like any module of the project: this one must find the project's own Vitest. */
function writeRunner(root: string, stateDirectory: string): string {
  const path = join(stateDirectory, "vitest-runner.mjs");
  const from = createRequire(join(root, "package.json"));
  let index: string;
  let module: string;
  let name: string;
  try {
    const manifest = from.resolve("vitest/package.json");
    const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
    const [major = 0, minor = 0] = version.split(".").map(Number);
    // Since 4.1 the runner comes from `vitest` itself, and its old place warns.
    const isMoved = major > 4 || (major === 4 && minor >= 1);
    // Its `exports` give it to `import` only, and `resolve` here asks for `require`.
    index = join(dirname(manifest), "dist", "index.js");
    module = isMoved ? index : join(dirname(manifest), "dist", "runners.js");
    name = isMoved ? "TestRunner" : "VitestTestRunner";
  } catch (cause) {
    throw new ConstellationError("exec.failed", `Cannot run Vitest in ${root}: it is not installed there`, {
      cause,
      remedy: "Run `npm install`, or name another framework with --framework.",
    });
  }
  writeFileSync(
    path,
    `import { createRequire } from "node:module";
import { test } from ${JSON.stringify(pathToFileURL(index).href)};
import { ${name} } from ${JSON.stringify(pathToFileURL(module).href)};
const { guarded } = createRequire(${JSON.stringify(guestFile("vitest-runner.cjs"))})("./vitest-runner.cjs");
export default guarded(${name}, test);
`,
  );
  return path;
}
