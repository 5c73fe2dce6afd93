import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { type Adapter, guestFile } from "./adapter.ts";

/** pytest with a plugin; the project's own virtual environment comes first. */
export const pytest: Adapter = {
  name: "pytest",
  shape: "whole",
  nothingToRun: [5],
  program({ root, args, paths, jobs, exclude }) {
    const plugin = dirname(guestFile("constellation_guard.py"));
    const before = process.env["PYTHONPATH"] ?? "";
    const distributes = args.some(
      (word) => word === "-n" || word.startsWith("-n") || word.startsWith("--numprocesses"),
    );
    return {
      program:
        [".venv/bin/pytest", "venv/bin/pytest"].map((path) => join(root, path)).find((path) => existsSync(path)) ??
        "pytest",
      args: [
        "-p",
        "constellation_guard",
        ...args,
        ...(jobs !== undefined && distributes ? ["-n", String(jobs)] : []),
        ...exclude.map((file) => `--ignore=${join(root, file)}`),
        ...paths,
      ],
      environment: {
        PYTHONPATH: before === "" ? plugin : `${plugin}${delimiter}${before}`,
        CONSTELLATION_GUARD_PYTHONPATH: before,
      },
    };
  },
};
