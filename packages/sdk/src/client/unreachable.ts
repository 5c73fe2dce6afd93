import { ConstellationError } from "@constellation/contract";

/** A failed connection in words. */
export function unreachable(socketPath: string, error: NodeJS.ErrnoException): ConstellationError {
  const details = { socketPath, errno: error.code ?? null };
  if (error.code === "EACCES" || error.code === "EPERM")
    return new ConstellationError("access.denied", `Cannot open ${socketPath}: it belongs to another user`, {
      cause: error,
      remedy: "Run as the user who started the daemon, or set CONSTELLATION_HOME to a folder of your own.",
      details,
    });
  if (error.code === "ECONNRESET" || error.code === "EPIPE")
    return new ConstellationError(
      "daemon.unreachable",
      `The daemon on ${socketPath} closed the connection unanswered`,
      {
        cause: error,
        remedy:
          "It has ended, or serves as many connections as it takes (512): see `constellation daemon status`, try again.",
        details,
      },
    );
  const found =
    error.code === "ENOENT"
      ? "there is no such socket"
      : error.code === "ECONNREFUSED"
        ? "nobody listens there"
        : error.message;
  return new ConstellationError("daemon.unreachable", `No daemon answers on ${socketPath}: ${found}`, {
    cause: error,
    remedy: "Start one with `constellation daemon start`.",
    details,
  });
}
