import { isIPv4, isIPv6 } from "node:net";
import { ConstellationError } from "@constellation/contract";

/** A TCP address of this or another machine. */
export interface Endpoint {
  /** IPv4 or IPv6 address, no name. */
  readonly address: string;
  readonly port: number;
}

/**
 * An endpoint as the port process reads it: IPv6 with all eight groups, so that its C code needs no abbreviations.
 * @throws `spec.invalid` for anything that is not an address and a port
 */
export function formatEndpoint({ address, port }: Endpoint): string {
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw invalid(address, port, "wanted a port from 0 to 65535");
  if (isIPv4(address)) return `${address}:${port}`;
  if (isIPv6(address) && !address.includes("%")) return `[${expand(address)}]:${port}`;
  throw invalid(address, port, "wanted an IPv4 address, or an IPv6 address without a zone");
}

/** Reads what {@link formatEndpoint} wrote; IPv6 comes back in its short form. */
export function parseEndpoint(text: string): Endpoint {
  const [, six, four, port] = /^(?:\[([0-9a-f:]+)\]|([0-9.]+)):(\d+)$/.exec(text) ?? [];
  const address = six === undefined ? four : new URL(`http://[${six}]`).hostname.slice(1, -1);
  if (address === undefined || port === undefined) throw invalid(text, Number.NaN, "wanted address:port");
  return { address, port: Number(port) };
}

/**
 * Whether a machine that has a listening socket on one of these addresses refuses one on the other, the port being the
 * same (ip(7), ipv6(7)). "::" takes IPv4 as well; the kernel does not tell of whom it was asked not to.
 */
export function addressesOverlap(one: string, other: string): boolean {
  const [a, b] = [plain(one), plain(other)];
  if (a === b || [a, b].includes(anyAddress)) return true;
  return [a, b].includes("0.0.0.0") && isIPv4(a) && isIPv4(b);
}

const anyAddress = expand("::");
const mapped = /^(?:0000:){5}ffff:(..)(..):(..)(..)$/;

/** One spelling for each address; IPv4 within IPv6 is IPv4. */
function plain(address: string): string {
  if (!isIPv6(address)) return address;
  const [, ...bytes] = mapped.exec(expand(address)) ?? [];
  return bytes.length === 0 ? expand(address) : bytes.map((byte) => Number.parseInt(byte, 16)).join(".");
}

/** One spelling for each address, so that two endpoints can be compared as texts. */
function expand(address: string): string {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  if (dotted) {
    const [, head = "", a, b, c, d] = dotted;
    const group = (high: string | undefined, low: string | undefined) =>
      (Number(high) * 256 + Number(low)).toString(16);
    return expand(`${head}${group(a, b)}:${group(c, d)}`);
  }
  const [front = "", back] = address.split("::");
  const groups = (part: string | undefined) => (part ? part.split(":") : []);
  const missing = back === undefined ? 0 : 8 - groups(front).length - groups(back).length;
  return [...groups(front), ...Array.from({ length: missing }, () => "0"), ...groups(back)]
    .map((group) => group.toLowerCase().padStart(4, "0"))
    .join(":");
}

const invalid = (address: string, port: number, wanted: string) =>
  new ConstellationError("spec.invalid", `Cannot use "${address}" port ${port} as a TCP address: ${wanted}`);
