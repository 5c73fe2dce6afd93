// Starts the project's Vitest through its Node API, because a runner cannot be named on its command line.
// argv: the runner file, then what a user would write after `vitest run`.
import { createRequire } from "node:module";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [runner, ...words] = process.argv.slice(2);
const { isPassedOver } = createRequire(import.meta.url)("./journal.cjs");
const sharedFile = join(process.env.CONSTELLATION_GUARD_STATE ?? "", "vitest-shared.json");
writeFileSync(sharedFile, "[]");
const from = createRequire(join(process.cwd(), "package.json"));
const { createVitest, parseCLI } = await import(pathToFileURL(from.resolve("vitest/node")).href);
const { filter, options } = parseCLI(["vitest", "run", ...words]);
// As `startVitest` does, which gives nobody the projects before it runs them: a plugin of the root is none of theirs.
process.env.TEST = "true";
process.env.VITEST = "true";
process.env.NODE_ENV ??= "test";
const vitest = await createVitest("test", { ...options, run: true, watch: false, runner });
for (const { config } of vitest.projects) config.runner = runner;
leaveOutFinished(vitest);
try {
  await vitest.start(filter);
} catch (error) {
  // That there are no files it has said by itself, and whether that is a failure.
  if (error?.code !== "VITEST_FILES_NOT_FOUND") {
    process.exitCode = 1;
    vitest.logger.printError(error, { fullStack: true, type: "Unhandled Error" });
  }
}
// As its own command does: what keeps the process from ending (a server of a global setup) is waited for a while only.
await vitest.exit();

/** Finished files cost no worker and no transform. One stays where all are finished: Vitest calls an empty list a failure. */
function leaveOutFinished(vitest) {
  const { specifications } = vitest;
  const list = specifications?.getRelevantTestSpecifications;
  // Without the list each file is passed over by its worker.
  if (list === undefined) return;
  specifications.getRelevantTestSpecifications = async (...args) => {
    const all = await list.apply(specifications, args);
    const seen = new Set();
    const shared = new Set(all.flatMap(({ moduleId }) => (seen.size === seen.add(moduleId).size ? [moduleId] : [])));
    // For its workers: tests of a file that runs in several projects are told apart.
    writeFileSync(sharedFile, JSON.stringify([...shared]));
    // Parts of a suite are counted over all its files.
    if (vitest.config.shard) return all;
    const left = all.filter(({ moduleId }) => shared.has(moduleId) || !isPassedOver(moduleId));
    return left.length === 0 ? all.slice(0, 1) : left;
  };
}
