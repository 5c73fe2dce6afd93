import { createServer } from "node:net";
import { errnoOf, HostError } from "../failure.ts";

/** Which free port is wanted. */
export interface FreePortOptions {
  /** Address it must be free on. @default "127.0.0.1" */
  readonly host?: string;
  /** First and last port to try, in order; without a range the kernel picks one. */
  readonly from?: number;
  readonly to?: number;
  /** Ports that were promised to somebody else. */
  readonly except?: ReadonlySet<number>;
}

const triesWithoutRange = 64;

/**
 * Finds a TCP port that nobody listens on now, by listening on it for a moment; somebody may take it the next moment,
 * so keep what you gave out in `except`. @throws HostError port-unavailable when the range or the tries are used up
 */
export async function findFreePort(options: FreePortOptions = {}): Promise<number> {
  const { host = "127.0.0.1", from, to, except = new Set<number>() } = options;
  const range = from === undefined && to === undefined ? undefined : { from: from ?? 1024, to: to ?? 65_535 };
  const candidates = range === undefined ? Array.from({ length: triesWithoutRange }, () => 0) : portsOf(range);
  for (const candidate of candidates) {
    if (candidate !== 0 && except.has(candidate)) continue;
    const port = await tryListen(host, candidate);
    if (port !== undefined && !except.has(port)) return port;
  }
  const where =
    range === undefined ? `${triesWithoutRange} ports picked by the kernel` : `${range.from} to ${range.to}`;
  throw new HostError(
    "port-unavailable",
    `Cannot find a free port on ${host} among ${where}; widen the range or end what listens there`,
  );
}

function portsOf({ from, to }: { readonly from: number; readonly to: number }): number[] {
  if (!Number.isInteger(from) || !Number.isInteger(to) || from < 1 || to > 65_535 || from > to)
    throw new HostError(
      "limit-invalid",
      `Cannot look for a free port from ${from} to ${to}: wanted 1 <= from <= to <= 65535`,
    );
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** The port that could be listened on, or undefined when it is taken or not ours to take. */
function tryListen(host: string, port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error) => {
      const errno = errnoOf(error);
      if (errno === "EADDRINUSE" || errno === "EACCES") resolve(undefined);
      else
        reject(
          new HostError("port-unavailable", `Cannot try port ${port} on ${host}: ${errno ?? error.message}`, {
            cause: error,
          }),
        );
    });
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" ? address?.port : undefined));
    });
  });
}
