import { type Adapter, guestFile } from "./adapter.ts";
import { projectProgram } from "./project-program.ts";

/** Mocha, with a hook in `--require`; its workers load it too. */
export const mocha: Adapter = {
  name: "mocha",
  shape: "whole",
  nothingToRun: [],
  program({ root, args, paths, jobs, exclude }) {
    const isParallel = args.includes("--parallel") || args.includes("-p");
    return {
      ...projectProgram(root, "mocha"),
      args: [
        "--require",
        guestFile("mocha.cjs"),
        ...args,
        ...(jobs !== undefined && isParallel ? ["--jobs", String(jobs)] : []),
        ...exclude.flatMap((file) => ["--ignore", file]),
        ...paths,
      ],
    };
  },
};
