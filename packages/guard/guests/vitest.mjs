// Starts the project's Vitest through its Node API, because a runner cannot be named on its command line.
// argv: the runner file, then what a user would write after `vitest run`.
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [runner, ...words] = process.argv.slice(2);
const from = createRequire(join(process.cwd(), "package.json"));
const { parseCLI, startVitest } = await import(pathToFileURL(from.resolve("vitest/node")).href);
const { filter, options } = parseCLI(["vitest", "run", ...words]);
const intoProjects = {
  name: "constellation-guard",
  configureVitest({ project }) {
    project.config.runner = runner;
  },
};
const vitest = await startVitest(
  "test",
  filter,
  { ...options, run: true, watch: false, runner },
  { plugins: [intoProjects] },
);
await vitest?.close();
