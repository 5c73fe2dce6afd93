import { join } from "node:path";
import { type Adapter, guestFile } from "./adapter.ts";
import { findTests } from "./find-files.ts";
import { splitNodeArgs } from "./node-args.ts";

/** node:test, one process per file: up to Node 22 its own parent process hands results out late. */
export const nodeTest: Adapter = {
  name: "node-test",
  shape: "files",
  results: "journal",
  units({ root, args, paths, exclude }) {
    const { flags, patterns } = splitNodeArgs(args);
    const wanted = paths.length > 0 ? paths : patterns;
    const left = new Set(exclude);
    return findTests(root, wanted, isTestFile)
      .filter((file) => !left.has(file))
      .map((file) => ({
        file,
        title: file,
        program: process.execPath,
        args: [...flags, "--require", guestFile("node-test.cjs"), join(root, file)],
        environment: { CONSTELLATION_GUARD_FILE: join(root, file) },
      }));
  },
};

/** What `node --test` runs without arguments (nodejs.org/api/test.html, "Running tests from the command line"). */
function isTestFile(path: string): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const kinds = (process.features as { typescript?: string }).typescript === "strip" ? "[cm]?[jt]s" : "[cm]?js";
  if (!new RegExp(`\\.${kinds}$`).test(name) || name.endsWith(".d.ts")) return false;
  return /(^|\/)test\//.test(path) || new RegExp(`^(test|test-.+|.+[.\\-_]test)\\.${kinds}$`).test(name);
}
