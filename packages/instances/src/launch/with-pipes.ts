import type { ChildProcess } from "node:child_process";
import { LaunchError } from "./launch-error.ts";

/**
 * A child with the pipes that it was to have. Where no descriptor is left Node makes one without any, and tells of it later:
 * an "error" that nobody hears ends the whole program.
 *
 * @throws LaunchError LAUNCHER_GONE
 */
export function withPipes<Child extends ChildProcess>(child: Child): Child {
  if ((child.stdio as unknown) !== undefined) return child;
  child.on("error", () => {});
  throw new LaunchError("Cannot start the launcher: no file descriptor is left; raise the limit of open files", {
    code: "LAUNCHER_GONE",
  });
}
