/** Ports that runs were promised, none twice. Below 32768, where Linux takes the ports of outgoing connections from. */
export interface PortBook {
  readonly held: ReadonlyMap<string, readonly number[]>;
}

export interface PortRange {
  readonly from: number;
  readonly to: number;
  /** Where the search begins; what lies before it comes last. @default `from` */
  readonly first?: number;
}

export const defaultPortRange: PortRange = { from: 20_000, to: 29_999 };

const portsAside = 64;

/** The range as the daemon of a user goes through it: daemons of several users know nothing of each other's promises. */
export function rangeOfUser({ from, to }: PortRange, userId: number): PortRange {
  return { from, to, first: from + ((userId * portsAside) % (to - from + 1)) };
}

/** Promises `count` ports to a run; undefined when the range has not as many that are neither promised nor in use. */
export function promisePorts(
  { held }: PortBook,
  id: string,
  count: number,
  inUse: ReadonlySet<number>,
  { from, to, first = from }: PortRange = defaultPortRange,
): { readonly book: PortBook; readonly ports: readonly number[] } | undefined {
  const before = held.get(id);
  if (before !== undefined && before.length === count) return { book: { held }, ports: before };
  const promised = new Set([...held].flatMap(([holder, ports]) => (holder === id ? [] : ports)));
  const ports: number[] = [];
  for (let step = 0; step <= to - from && ports.length < count; step++) {
    const port = from + ((first - from + step) % (to - from + 1));
    if (!promised.has(port) && !inUse.has(port)) ports.push(port);
  }
  return ports.length < count ? undefined : { book: { held: new Map([...held, [id, ports]]) }, ports };
}

/** Notes what an earlier daemon has promised. */
export function keepPorts({ held }: PortBook, id: string, ports: readonly number[]): PortBook {
  return { held: new Map([...held, [id, ports]]) };
}

/** Takes what was promised back. */
export function returnPorts({ held }: PortBook, id: string): PortBook {
  return { held: new Map([...held].filter(([holder]) => holder !== id)) };
}
