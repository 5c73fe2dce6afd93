import { type Adapter, guestFile } from "./adapter.ts";
import { withJobs } from "./own-words.ts";
import { projectProgram } from "./project-program.ts";

/** Jest, with its own test runner wrapped: whatever environment a file asks for stays. Files are left out by the skip plan. */
export const jest: Adapter = {
  name: "jest",
  shape: "whole",
  nothingToRun: [],
  program({ root, args, paths, jobs, node }) {
    const start = projectProgram(root, "jest", node);
    return {
      ...start,
      args: [...start.args, `--testRunner=${guestFile("jest.cjs")}`, ...ownWords(args, jobs), ...paths],
    };
  },
};

const watching = ["--watch", "--watchAll"];
/** It runs everything in one process then, and is an error beside a number of workers. */
const inBand = ["-i", "--runInBand", "--run-in-band"];

/** What watches never ends. */
function ownWords(args: readonly string[], jobs: number | undefined): readonly string[] {
  const words = args.filter((word) => !watching.includes(word));
  const isAlone = words.some((word) => inBand.includes(word));
  return isAlone ? words : withJobs(words, ["--maxWorkers", "--max-workers", "-w"], jobs);
}
