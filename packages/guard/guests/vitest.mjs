// Starts the project's Vitest through its Node API, because a runner cannot be named on its command line.
// argv: the runner file, then what a user would write after `vitest run`.
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [runner, ...words] = process.argv.slice(2);
/** Every project of a workspace is configured, and the list is asked for once. */
const asked = new WeakSet();
const { isPassedOver } = createRequire(import.meta.url)("./journal.cjs");
const from = createRequire(join(process.cwd(), "package.json"));
const { parseCLI, startVitest } = await import(pathToFileURL(from.resolve("vitest/node")).href);
const { filter, options } = parseCLI(["vitest", "run", ...words]);
const intoProjects = {
  name: "constellation-guard",
  configureVitest({ project, vitest }) {
    project.config.runner = runner;
    leaveOutFinished(vitest);
  },
};
const vitest = await startVitest(
  "test",
  filter,
  { ...options, run: true, watch: false, runner },
  { plugins: [intoProjects] },
);
// As its own command does: what keeps the process from ending (a server of a global setup) is waited for a while only.
await vitest?.exit();

/** Finished files cost no worker and no transform. One stays where all are finished: Vitest calls an empty list a failure. */
function leaveOutFinished(vitest) {
  const { specifications } = vitest;
  const list = specifications?.getRelevantTestSpecifications;
  // Parts of a suite are counted over all its files. Without the list each file is passed over by its worker.
  if (list === undefined || asked.has(specifications) || vitest.config.shard) return;
  asked.add(specifications);
  specifications.getRelevantTestSpecifications = async (...args) => {
    const all = await list.apply(specifications, args);
    const left = all.filter(({ moduleId }) => !isPassedOver(moduleId));
    return left.length === 0 ? all.slice(0, 1) : left;
  };
}
