import { type Endpoint, parseEndpoint } from "./endpoint.ts";
import type { Sharing } from "./sharing.ts";

/** What a port process counts; the numbers of connections and bytes are of forwarded ones, since it started. */
export interface PortStats extends Endpoint {
  readonly pid: number;
  readonly sharing: Sharing;
  /** Connections in the kernel's queue that nobody has accepted yet. */
  readonly queued: number;
  /** Length that the queue can reach. */
  readonly backlog: number;
  /** Forwarded connections that are open, waiting ones included. */
  readonly active: number;
  /** Accepted connections without a backend. */
  readonly waiting: number;
  /** Pipes that hold bytes which a peer does not take yet. */
  readonly pipes: number;
  readonly accepted: number;
  readonly forwarded: number;
  /** Reset because no backend took them in time. */
  readonly expired: number;
  /** Reset because one peer was. */
  readonly aborted: number;
  readonly connectFailures: number;
  /** From clients to backends. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly backends: readonly BackendStats[];
}

/** One backend of a forwarder. */
export interface BackendStats extends Endpoint {
  /** It gets no new connection, and is gone with its last one. */
  readonly draining: boolean;
  readonly connections: number;
  /** Connections that it has ever got. */
  readonly total: number;
  /** Attempts to connect that failed. */
  readonly failures: number;
}

interface Wire extends Omit<PortStats, "sharing" | "port" | "address" | "backends"> {
  readonly mode: "share" | "forward";
  readonly address: string;
  readonly backends: readonly (Omit<BackendStats, keyof Endpoint> & { readonly address: string })[];
}

/** Reads the one line of JSON that our own program writes. */
export function parseStats(text: string): PortStats {
  const { mode, address, backends, ...counters } = JSON.parse(text) as Wire;
  return {
    ...counters,
    ...parseEndpoint(address),
    sharing: mode === "forward" ? "forwarded" : "shared",
    backends: backends.map(({ address, ...backend }) => ({ ...backend, ...parseEndpoint(address) })),
  };
}
