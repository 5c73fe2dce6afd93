import { existsSync } from "node:fs";
import type { VethWire } from "./network-request.ts";

/** The range that private networks take their addresses from, unless told otherwise: 16,384 networks of four addresses. */
export const defaultInstanceRange = "10.203.0.0/16";
/** Outer interfaces are numbered from here on, far above what a machine uses by itself. */
const FIRST_INDEX = 70_000;
const ADDRESSES_PER_WIRE = 4;

/** Names of the outer interfaces begin with this. */
export const wirePrefix = "cn";

/**
 * The wire number `slot` of an address range: names, numbers and addresses follow from it, so that nothing needs to be
 * looked up and two slots never collide.
 * @throws RangeError when the range is malformed or has no such slot
 */
export function planWire(
  slot: number,
  limits: Pick<VethWire, "sendBitsPerSecond" | "receiveBitsPerSecond">,
  { range = defaultInstanceRange, mtuBytes = 1500 }: { readonly range?: string; readonly mtuBytes?: number } = {},
): VethWire {
  const { base, size } = parseRange(range);
  if (!Number.isInteger(slot) || slot < 0 || (slot + 1) * ADDRESSES_PER_WIRE > size)
    throw new RangeError(
      `network slot ${slot} does not exist in ${range}; wanted 0 to ${size / ADDRESSES_PER_WIRE - 1}`,
    );
  const first = base + slot * ADDRESSES_PER_WIRE;
  return {
    hostName: `${wirePrefix}${slot}`,
    hostIndex: FIRST_INDEX + slot,
    hostAddress: formatAddress(first + 1),
    instanceAddress: formatAddress(first + 2),
    prefixLength: 30,
    mtuBytes,
    ...limits,
  };
}

/** Whether somebody's wire has this number now: one of ours, or that of another daemon on this machine. */
export function isWired(slot: number): boolean {
  // Not in the class's folder, which takes twice as long to say no.
  return existsSync(`/sys/devices/virtual/net/${wirePrefix}${slot}`);
}

function parseRange(range: string): { readonly base: number; readonly size: number } {
  const [, a, b, c, d, length] = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/u.exec(range) ?? [];
  const parts = [a, b, c, d].map(Number);
  const bits = Number(length);
  if (parts.some((part) => !(part <= 255)) || !(bits >= 8 && bits <= 30))
    throw new RangeError(`"${range}" is not an address range; wanted one like ${defaultInstanceRange}`);
  const size = 2 ** (32 - bits);
  const address = parts.reduce((sum, part) => sum * 256 + part, 0);
  return { base: address - (address % size), size };
}

function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".");
}
