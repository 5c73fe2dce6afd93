import { connect } from "node:net";
import { join } from "node:path";
import { ConstellationError } from "@constellation/contract";

/** What a Unix socket's path may have at most in bytes (unix(7): sun_path, with its closing zero). */
const longestSocketPath = 107;

/** Longest answer: the statistics of the largest list of backends. */
const longestAnswerBytes = 64 * 1024;

/** One question to a port process. */
export interface Exchange {
  readonly folder: string;
  readonly request: string;
  /** How long to wait for the answer. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** The control socket of the port process that lives in this folder. @throws `spec.invalid` when its path is too long for the kernel */
export function controlSocket(folder: string): string {
  const path = join(folder, "control.sock");
  if (Buffer.byteLength(path) <= longestSocketPath) return path;
  throw new ConstellationError(
    "spec.invalid",
    `Cannot keep a port in ${folder}: the path of its socket has ${Buffer.byteLength(path)} bytes, at most ${longestSocketPath} work`,
    { remedy: "Choose a state folder with a shorter path." },
  );
}

/** What connecting, or the answer, fails with where no port process lives; anything else says nothing of it (EMFILE). */
const absent: ReadonlySet<unknown> = new Set(["ENOENT", "ENOTDIR", "ECONNREFUSED", "ECONNRESET", "EPIPE", "closed"]);

/** Whether this code of a failed connection says that there is no port process. */
export const saysAbsent = (errno: unknown): boolean => absent.has(errno);

/** Whether a failed {@link ask} says that there is no port process. */
export function isAbsent(error: unknown): boolean {
  return (
    error instanceof ConstellationError && error.code === "daemon.unreachable" && saysAbsent(error.details?.["errno"])
  );
}

/**
 * Asks the port process in a folder one question and resolves to what follows "ok".
 * @throws `daemon.unreachable` when none answers there (with the errno as `details.errno`), `call.timeout`,
 *   `call.cancelled`, `internal.bug` when it refuses the question
 */
export function ask({ folder, request, timeoutMs, signal }: Exchange): Promise<string> {
  const path = controlSocket(folder);
  const verb = request.split(" ", 1)[0] ?? "";
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(path);
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", cancel);
      socket.destroy();
      settle();
    };
    const fail = (error: ConstellationError) => finish(() => reject(error));
    const cancel = () =>
      fail(
        new ConstellationError("call.cancelled", `Cancelled "${verb}" to the port process in ${folder}`, {
          cause: signal?.reason,
        }),
      );
    const timer = setTimeout(
      () =>
        fail(
          new ConstellationError(
            "call.timeout",
            `The port process in ${folder} did not answer "${verb}" within ${timeoutMs} ms`,
          ),
        ),
      timeoutMs,
    );
    const gone = (errno: string, cause?: Error) =>
      fail(
        new ConstellationError("daemon.unreachable", `No port process answered "${verb}" in ${folder}: ${errno}`, {
          ...(cause ? { cause } : {}),
          details: { errno },
        }),
      );
    socket.setEncoding("utf8");
    socket.on("connect", () => socket.write(`${request}\n`));
    socket.on("error", (error: NodeJS.ErrnoException) => gone(error.code ?? "unknown", error));
    socket.on("end", () => gone("closed"));
    socket.on("data", (chunk: string) => {
      answer += chunk;
      const end = answer.indexOf("\n");
      if (end < 0 && answer.length < longestAnswerBytes) return;
      const line = answer.slice(0, Math.max(0, end));
      if (line === "ok" || line.startsWith("ok ")) finish(() => resolve(line.slice(3)));
      else fail(new ConstellationError("internal.bug", `The port process in ${folder} refused "${verb}": ${line}`));
    });
    if (signal?.aborted) cancel();
    else signal?.addEventListener("abort", cancel, { once: true });
  });
}
