import { cloneFlags, openFlags } from "../plan/linux.ts";
import type { Step } from "../plan/plan.ts";
import type { Slots } from "../plan/slots.ts";
import { steps } from "../plan/steps.ts";
import { addAddress, addDefaultRoute, limitSending, linkUp, vethPair } from "./netlink.ts";
import type { NetworkRequest, VethWire } from "./network-request.ts";

const LOOPBACK = 1;
/** The first interface of a fresh network namespace after loopback; fixed, so that nothing has to be looked up. */
const INNER_INDEX = 2;
const INNER_NAME = "eth0";
const OWN_NETWORK = "/proc/self/ns/net";

/** The steps that give an instance its network, by who does them and when. */
export interface NetworkSteps {
  /** Supervisor, before the clone. */
  readonly before: readonly Step[];
  readonly cloneFlags: number;
  /** Supervisor, after the clone: beside the child. */
  readonly beside: readonly Step[];
  /** Child, at once. */
  readonly first: readonly Step[];
  /** Child, when the supervisor has done its part. */
  readonly afterParent: readonly Step[];
}

/**
 * Making a network namespace takes as long as everything else together. So the supervisor makes and furnishes it while
 * the child builds its root, and the child enters it at the end. Where the namespace must belong to the child's user
 * namespace that cannot be, and the child is born in it.
 */
export function networkSteps(network: NetworkRequest, inUserNamespace: boolean, slots: Slots): NetworkSteps {
  if (network.kind === "host") return { before: [], cloneFlags: 0, beside: [], first: [], afterParent: [] };
  return inUserNamespace ? bornInside(network) : madeBeside(network, slots);
}

type OwnNetwork = Exclude<NetworkRequest, { kind: "host" }>;

function madeBeside(network: OwnNetwork, slots: Slots): NetworkSteps {
  const home = slots.take("the machine's network");
  const own = slots.take("the instance's network");
  const wire = network.kind === "private" ? network.wire : null;
  return {
    before: [steps.open(home, OWN_NETWORK, openFlags.readOnly)],
    cloneFlags: 0,
    beside: [
      steps.unshare(cloneFlags.network),
      loopback(),
      // The child is still at home: its process id names the namespace that gets the outer end.
      ...(wire === null ? [] : [wiring(wire, innerEnd, outerEnd(wire)), ...furnish(wire)]),
      steps.open(own, OWN_NETWORK, openFlags.readOnly),
      steps.enter(home, cloneFlags.network),
      ...(wire === null ? [] : connect(wire)),
    ],
    first: [],
    afterParent: [steps.enter(own, cloneFlags.network)],
  };
}

function bornInside(network: OwnNetwork): NetworkSteps {
  const wire = network.kind === "private" ? network.wire : null;
  return {
    before: [],
    cloneFlags: cloneFlags.network,
    beside: wire === null ? [] : [wiring(wire, outerEnd(wire), innerEnd), ...connect(wire)],
    first: [loopback()],
    afterParent: wire === null ? [] : furnish(wire),
  };
}

const innerEnd = { name: INNER_NAME, index: INNER_INDEX };
const outerEnd = ({ hostName, hostIndex }: VethWire) => ({ name: hostName, index: hostIndex });

function loopback(): Step {
  return steps.netlink(linkUp(LOOPBACK), null, "bring loopback up");
}

type End = ReturnType<typeof outerEnd>;

function wiring(wire: VethWire, here: End, there: End): Step {
  const pair = vethPair(here, there, wire.mtuBytes);
  return steps.netlink(pair.message, pair.childPidAt, `wire ${wire.hostName} to ${INNER_NAME}`);
}

/** Inside: address, route, limit. */
function furnish(wire: VethWire): Step[] {
  const { instanceAddress, hostAddress, prefixLength } = wire;
  const address = addAddress(INNER_INDEX, instanceAddress, prefixLength);
  return [
    steps.netlink(linkUp(INNER_INDEX), null, `bring ${INNER_NAME} up`),
    steps.netlink(address, null, `give ${INNER_NAME} ${instanceAddress}/${prefixLength}`),
    steps.netlink(addDefaultRoute(hostAddress, INNER_INDEX), null, `route through ${hostAddress}`),
    ...limit(wire.sendBitsPerSecond, INNER_INDEX, wire, "sending"),
  ];
}

/** Outside: address, limit. */
function connect(wire: VethWire): Step[] {
  const { hostName, hostIndex, hostAddress, prefixLength } = wire;
  return [
    steps.netlink(linkUp(hostIndex), null, `bring ${hostName} up`),
    steps.netlink(
      addAddress(hostIndex, hostAddress, prefixLength),
      null,
      `give ${hostName} ${hostAddress}/${prefixLength}`,
    ),
    ...limit(wire.receiveBitsPerSecond, hostIndex, wire, "receiving"),
  ];
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
  const message = limitSending(index, bytesPerSecond, burstBytes, queueBytes);
  return [steps.netlink(message, null, `limit ${what} to ${bitsPerSecond} bit/s`)];
}
