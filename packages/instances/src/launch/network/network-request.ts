/** What network an instance sees. */
export type NetworkRequest =
  /** The machine's own. */
  | { readonly kind: "host" }
  /** Nothing but its own loopback. */
  | { readonly kind: "none" }
  /** Its own interface, wired to this machine by a veth pair with two addresses of a /30. */
  | { readonly kind: "private"; readonly wire: VethWire };

/** One veth pair. Numbers and names are chosen by the caller and must be free on this machine. */
export interface VethWire {
  /** Name (at most 15 bytes) and index of the outer interface. */
  readonly hostName: string;
  readonly hostIndex: number;
  readonly hostAddress: string;
  readonly instanceAddress: string;
  readonly prefixLength: number;
  readonly mtuBytes: number;
  /** What the instance may send; null: no limit. */
  readonly sendBitsPerSecond: number | null;
  /** What the instance may receive; null: no limit. */
  readonly receiveBitsPerSecond: number | null;
}
