import type { VethWire } from "../launch/index.ts";

/** First two bytes of every instance's address; RFC 1918. Machines that use it themselves set another. */
export const defaultSubnet = "10.213";
/** Interface indexes from here on are ours; the kernel itself counts up from 1. */
const firstIndex = 70_000;

/** Bandwidth of a wire, as the instance sees it; null: no limit. */
export interface WireRates {
  readonly inBitsPerSecond: number | null;
  readonly outBitsPerSecond: number | null;
}

/**
 * The veth pair of an instance: a /30 of its own, so that instances are apart without any bridge. Address and name
 * follow from its number.
 */
export function wireOf(number: number, rates: WireRates, subnet = defaultSubnet): VethWire {
  const base = number * 4;
  const address = (host: number): string => `${subnet}.${Math.floor((base + host) / 256)}.${(base + host) % 256}`;
  return {
    hostName: `cst${number}`,
    hostIndex: firstIndex + number,
    hostAddress: address(1),
    instanceAddress: address(2),
    prefixLength: 30,
    mtuBytes: 1500,
    sendBitsPerSecond: rates.outBitsPerSecond,
    receiveBitsPerSecond: rates.inBitsPerSecond,
  };
}
