import { errnoOf, HostError } from "../failure.ts";

/** Words a failed mkdir of a control group. */
export function createFailure(directory: string, error: unknown): HostError {
  const errno = errnoOf(error);
  const cause = { cause: error };
  if (errno === "EEXIST")
    return new HostError(
      "cgroup-exists",
      `Cannot create cgroup ${directory}: it is there already; each start needs a name of its own`,
      cause,
    );
  if (errno === "EACCES" || errno === "EPERM" || errno === "EROFS")
    return new HostError(
      "permission-denied",
      `Cannot create cgroup ${directory}: ${errno}; run as root or in a delegated cgroup`,
      cause,
    );
  return new HostError("cgroup-failed", `Cannot create cgroup ${directory}: ${errno ?? String(error)}`, cause);
}
