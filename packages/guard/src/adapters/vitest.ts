import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ConstellationError } from "@constellation/contract";
import { type Adapter, guestFile } from "./adapter.ts";

/** Vitest, through its Node API with a runner of ours over its own. */
export const vitest: Adapter = {
  name: "vitest",
  shape: "whole",
  nothingToRun: [],
  program({ root, stateDirectory, args, paths, jobs, exclude }) {
    return {
      program: process.execPath,
      args: [
        guestFile("vitest.mjs"),
        writeRunner(root, stateDirectory),
        ...args,
        ...(jobs === undefined ? [] : [`--maxWorkers=${jobs}`]),
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
  let runners: string;
  try {
    // Its `exports` give it to `import` only, and `require.resolve` asks for `require`.
    runners = join(from.resolve("vitest/package.json"), "..", "dist", "runners.js");
  } catch (cause) {
    throw new ConstellationError("exec.failed", `Cannot run Vitest in ${root}: it is not installed there`, {
      cause,
      remedy: "Run `npm install`, or name another framework with --framework.",
    });
  }
  writeFileSync(
    path,
    `import { createRequire } from "node:module";
import * as runners from ${JSON.stringify(pathToFileURL(runners).href)};
const { guarded } = createRequire(${JSON.stringify(guestFile("vitest-runner.cjs"))})("./vitest-runner.cjs");
export default guarded(runners.VitestTestRunner ?? runners.TestRunner);
`,
  );
  return path;
}
