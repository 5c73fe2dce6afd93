import { type Adapter, guestFile } from "./adapter.ts";
import { projectProgram } from "./project-program.ts";

/** Jest, with its own test runner wrapped: whatever environment a file asks for stays. Files are left out by the skip plan. */
export const jest: Adapter = {
  name: "jest",
  shape: "whole",
  nothingToRun: [],
  program({ root, args, paths, jobs }) {
    return {
      ...projectProgram(root, "jest"),
      args: [
        `--testRunner=${guestFile("jest.cjs")}`,
        ...(jobs === undefined ? [] : [`--maxWorkers=${jobs}`]),
        ...args,
        ...paths,
      ],
    };
  },
};
