import type { Step } from "../plan/plan.ts";
import { steps } from "../plan/steps.ts";
import { addAddress, addDefaultRoute, limitSending, linkUp, vethPair } from "./netlink.ts";
import type { NetworkRequest, VethWire } from "./network-request.ts";

const LOOPBACK = 1;
/** The first interface of a fresh network namespace after loopback; fixed, so that nothing has to be looked up. */
const INNER_INDEX = 2;
const INNER_NAME = "eth0";

/** What the supervisor does outside once the network namespace exists. */
export function outerNetworkSteps(network: NetworkRequest): Step[] {
  if (network.kind !== "private") return [];
  const { wire } = network;
  const { hostName, hostIndex, hostAddress, prefixLength } = wire;
  const pair = vethPair({ name: hostName, index: hostIndex }, { name: INNER_NAME, index: INNER_INDEX }, wire.mtuBytes);
  return [
    steps.netlink(pair.message, pair.childPidAt, `wire ${hostName} to ${INNER_NAME}`),
    steps.netlink(
      addAddress(hostIndex, hostAddress, prefixLength),
      null,
      `give ${hostName} ${hostAddress}/${prefixLength}`,
    ),
    ...limit(wire.receiveBitsPerSecond, hostIndex, wire, "receiving"),
  ];
}

/** What happens inside: loopback first, the wire once the supervisor has made it. */
export function innerNetworkSteps(network: NetworkRequest): { readonly first: Step[]; readonly afterParent: Step[] } {
  if (network.kind === "host") return { first: [], afterParent: [] };
  const first = [steps.netlink(linkUp(LOOPBACK), null, "bring loopback up")];
  if (network.kind === "none") return { first, afterParent: [] };
  const { wire } = network;
  const { instanceAddress, hostAddress, prefixLength } = wire;
  return {
    first,
    afterParent: [
      steps.netlink(linkUp(INNER_INDEX), null, `bring ${INNER_NAME} up`),
      steps.netlink(
        addAddress(INNER_INDEX, instanceAddress, prefixLength),
        null,
        `give ${INNER_NAME} ${instanceAddress}/${prefixLength}`,
      ),
      steps.netlink(addDefaultRoute(hostAddress, INNER_INDEX), null, `route through ${hostAddress}`),
      ...limit(wire.sendBitsPerSecond, INNER_INDEX, wire, "sending"),
    ],
  };
}

/**
 * The bucket holds 5 ms of traffic but at least four full frames (of a segmented 64 KiB packet the kernel needs all at
 * once), the queue 50 ms: enough for TCP to fill the rate, little enough delay.
 */
function limit(bitsPerSecond: number | null, index: number, { mtuBytes }: VethWire, what: string): Step[] {
  if (bitsPerSecond === null) return [];
  const bytesPerSecond = Math.max(1, Math.round(bitsPerSecond / 8));
  const burstBytes = Math.max(Math.round(bytesPerSecond * 0.005), 4 * (mtuBytes + 14), 16 * 1024);
  const queueBytes = burstBytes + Math.max(Math.round(bytesPerSecond * 0.05), 8 * (mtuBytes + 14));
  return [
    steps.netlink(
      limitSending(index, bytesPerSecond, burstBytes, queueBytes),
      null,
      `limit ${what} to ${bitsPerSecond} bit/s`,
    ),
  ];
}
