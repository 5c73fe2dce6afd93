import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { Endpoint } from "./endpoint.ts";
import { startFailure } from "./start-failure.ts";

/**
 * Checks that this machine lets us listen on an address and port, whoever listens there now. A UDP socket tells: the same
 * addresses and rights count for it, and nobody who connects meanwhile is let down.
 *
 * @throws ConstellationError `spec.invalid`, `access.denied`, `platform.unsupported`, in the words of a port that cannot be opened
 */
export async function checkEndpoint(endpoint: Endpoint): Promise<void> {
  const { address, port } = endpoint;
  const socket = createSocket(address.includes(":") ? { type: "udp6", ipv6Only: true } : { type: "udp4" });
  try {
    const listening = once(socket, "listening");
    socket.bind({ address, port, exclusive: true });
    await listening;
  } catch (error) {
    const { code, errno = 0 } = error as NodeJS.ErrnoException;
    if (code !== "EADDRINUSE") throw startFailure(`error bind ${Math.abs(errno)}`, endpoint, "");
  } finally {
    socket.close();
  }
}
