import { type Adapter, guestFile } from "./adapter.ts";
import { withJobs } from "./own-words.ts";
import { projectProgram } from "./project-program.ts";

/** Mocha, with a hook in `--require`; its workers load it too. */
export const mocha: Adapter = {
  name: "mocha",
  shape: "whole",
  nothingToRun: [],
  program({ root, args, paths, jobs, exclude, node }) {
    const start = projectProgram(root, "mocha", node);
    const words = args.filter((word) => word !== "--watch" && word !== "-w");
    const isParallel = args.includes("--parallel") || args.includes("-p");
    return {
      ...start,
      args: [
        ...start.args,
        "--require",
        guestFile("mocha.cjs"),
        // What watches never ends.
        ...withJobs(words, ["--jobs", "-j"], isParallel ? jobs : undefined),
        ...exclude.flatMap((file) => ["--ignore", file]),
        ...paths,
      ],
    };
  },
};
