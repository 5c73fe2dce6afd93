import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { ConstellationError } from "@constellation/contract";

const lowest = 20_000;
const attempts = 200;
const reserved = new Set<number>();

/** A port of the loopback that is kept for one instance until it is released. */
export interface PrivatePort {
  readonly port: number;
  /** Lets others have it. */
  readonly release: () => void;
}

/**
 * A free TCP port for an instance that shares the machine's network. It lies below the range from which the kernel
 * picks ports for outgoing connections, so that none of those takes it before the instance listens; and this process
 * gives it to nobody else until it is released.
 * @param keep a port that an adopted instance has already
 * @throws `port.in-use` when 200 random tries found none
 */
export async function allocatePrivatePort({ keep }: { readonly keep?: number } = {}): Promise<PrivatePort> {
  if (keep !== undefined) return reserve(keep);
  const span = firstEphemeral() - lowest;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const port = lowest + Math.floor(Math.random() * span);
    if (reserved.has(port)) continue;
    const held = reserve(port);
    if (await isFree(port)) return held;
    held.release();
  }
  throw new ConstellationError(
    "port.in-use",
    `Cannot find a free private port: ${attempts} tries between ${lowest} and ${lowest + span} were in use`,
  );
}

function reserve(port: number): PrivatePort {
  reserved.add(port);
  return { port, release: () => void reserved.delete(port) };
}

function firstEphemeral(): number {
  const first = Number(readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8").split(/\s+/)[0]);
  return first >= lowest + 1000 ? first : 32_768;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "0.0.0.0", exclusive: true }, () => server.close(() => resolve(true)));
  });
}
