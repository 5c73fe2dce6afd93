// rtnetlink messages (rtnetlink(7), linux/rtnetlink.h, linux/if_link.h), encoded here and sent by the launcher.

const REQUEST = 1;
const ACKNOWLEDGE = 4;
const EXCLUSIVE = 0x200;
const CREATE = 0x400;

const NEW_LINK = 16;
const DELETE_LINK = 17;
const NEW_ADDRESS = 20;
const NEW_ROUTE = 24;
const NEW_QDISC = 36;

const INTERFACE_UP = 1;
const AF_INET = 2;

/** A message, and where in it the process id belongs whose network namespace gets the inner end. */
export interface VethMessage {
  readonly message: Buffer;
  readonly childPidAt: number;
}

/** Brings an interface up. Loopback is always number 1. */
export function linkUp(index: number): Buffer {
  return message(NEW_LINK, 0, link(index, INTERFACE_UP, INTERFACE_UP));
}

/** Removes an interface; a veth pair goes as a whole. */
export function deleteLink(index: number): Buffer {
  return message(DELETE_LINK, 0, link(index, 0, 0));
}

/** A veth pair: the outer end here and up, the inner end (down: the kernel wants its peer first) in another process's namespace. */
export function vethPair(outer: Interface, inner: Interface, mtuBytes: number): VethMessage {
  const placeholder = attribute(19 /* IFLA_NET_NS_PID */, u32(0));
  const peer = Buffer.concat([
    link(inner.index, 0, 0),
    attribute(3 /* IFLA_IFNAME */, text(inner.name)),
    attribute(4 /* IFLA_MTU */, u32(mtuBytes)),
    placeholder,
  ]);
  const info = attribute(
    18 /* IFLA_LINKINFO */,
    attribute(1 /* IFLA_INFO_KIND */, text("veth")),
    attribute(2 /* IFLA_INFO_DATA */, attribute(1 /* VETH_INFO_PEER */, peer)),
  );
  const bytes = message(
    NEW_LINK,
    CREATE | EXCLUSIVE,
    link(outer.index, INTERFACE_UP, INTERFACE_UP),
    attribute(3, text(outer.name)),
    attribute(4, u32(mtuBytes)),
    info,
  );
  return { message: bytes, childPidAt: bytes.length - 4 }; // the placeholder is the last attribute of the last attribute
}

export interface Interface {
  readonly name: string;
  readonly index: number;
}

/** Gives an interface an IPv4 address. */
export function addAddress(index: number, address: string, prefixLength: number): Buffer {
  const head = Buffer.alloc(8);
  head[0] = AF_INET;
  head[1] = prefixLength;
  head.writeUInt32LE(index, 4);
  return message(
    NEW_ADDRESS,
    CREATE | EXCLUSIVE,
    head,
    attribute(2 /* IFA_LOCAL */, ipv4(address)),
    attribute(1, ipv4(address)),
  );
}

/** The default route through a gateway. */
export function addDefaultRoute(gateway: string, index: number): Buffer {
  const head = Buffer.alloc(12);
  head[0] = AF_INET;
  head[4] = 254; // RT_TABLE_MAIN
  head[5] = 3; // RTPROT_BOOT
  head[7] = 1; // RTN_UNICAST
  return message(
    NEW_ROUTE,
    CREATE | EXCLUSIVE,
    head,
    attribute(5 /* RTA_GATEWAY */, ipv4(gateway)),
    attribute(4 /* RTA_OIF */, u32(index)),
  );
}

const largestU32 = 0xffff_ffff;

/**
 * A token bucket on what an interface sends (tc-tbf(8)). `burst` bytes may pass at full speed; `queue` bytes wait, more
 * is dropped.
 */
export function limitSending(index: number, bytesPerSecond: number, burst: number, queue: number): Buffer {
  // The kernel counts both in 32 bits: at rates that no machine reaches they are shorter in time, and bound nothing less.
  const burstBytes = Math.min(burst, largestU32);
  const queueBytes = Math.min(queue, largestU32);
  const head = Buffer.alloc(20);
  head.writeInt32LE(index, 4);
  head.writeUInt32LE(0x0001_0000, 8); // handle 1:
  head.writeUInt32LE(0xffff_ffff, 12); // TC_H_ROOT
  const parameters = Buffer.alloc(36); // struct tc_tbf_qopt: rate and peak rate (12 bytes each), limit, buffer, mtu
  parameters[1] = 1; // TC_LINKLAYER_ETHERNET
  parameters.writeUInt32LE(Math.min(bytesPerSecond, largestU32), 8);
  parameters.writeUInt32LE(queueBytes, 24);
  parameters.writeUInt32LE(Math.min(bucketTicks(burstBytes, bytesPerSecond), largestU32), 28);
  const rate64 = Buffer.alloc(8);
  rate64.writeBigUInt64LE(BigInt(bytesPerSecond));
  const fast = bytesPerSecond > largestU32 ? [attribute(4 /* TCA_TBF_RATE64 */, rate64)] : [];
  const settings = [
    attribute(1 /* TCA_TBF_PARMS */, parameters),
    ...fast,
    attribute(6 /* TCA_TBF_BURST */, u32(burstBytes)),
  ];
  return message(
    NEW_QDISC,
    CREATE | EXCLUSIVE,
    head,
    attribute(1 /* TCA_KIND */, text("tbf")),
    attribute(2 /* TCA_OPTIONS */, ...settings),
  );
}

/** The kernel counts the bucket in ticks of 64 ns (net/pkt_sched.h, PSCHED_SHIFT 6). */
function bucketTicks(burstBytes: number, bytesPerSecond: number): number {
  return Math.ceil(((burstBytes / bytesPerSecond) * 1e9) / 64);
}

// ---- building blocks ----

function message(type: number, flags: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(16);
  head.writeUInt32LE(16 + body.length, 0);
  head.writeUInt16LE(type, 4);
  head.writeUInt16LE(flags | REQUEST | ACKNOWLEDGE, 6);
  head.writeUInt32LE(1, 8); // sequence number
  return Buffer.concat([head, body]);
}

function attribute(type: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const bytes = Buffer.alloc((4 + content.length + 3) & ~3);
  bytes.writeUInt16LE(4 + content.length, 0);
  bytes.writeUInt16LE(type, 2);
  content.copy(bytes, 4);
  return bytes;
}

/** struct ifinfomsg */
function link(index: number, flags: number, change: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeInt32LE(index, 4);
  bytes.writeUInt32LE(flags, 8);
  bytes.writeUInt32LE(change, 12);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

function text(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}

function ipv4(address: string): Buffer {
  return Buffer.from(address.split(".").map(Number));
}
