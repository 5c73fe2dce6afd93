/** A TCP socket in the listening state. */
export interface ListeningSocket {
  readonly family: 4 | 6;
  readonly address: string;
  readonly port: number;
  readonly inode: number;
  readonly uid: number;
}

const listening = "0A";

/** Parses /proc/net/tcp or tcp6 (proc_net_tcp(5)) and keeps the listening rows. */
export function parseSocketTable(text: string, family: 4 | 6): ListeningSocket[] {
  return text.split("\n").flatMap((line) => {
    const [, local, , state, , , , uid, , inode] = line.trim().split(/\s+/);
    if (state !== listening || local === undefined) return [];
    const match = (family === 4 ? /^([0-9A-F]{8}):([0-9A-F]{4})$/ : /^([0-9A-F]{32}):([0-9A-F]{4})$/).exec(local);
    if (match === null || !/^\d{1,15}$/.test(inode ?? "") || !/^\d{1,10}$/.test(uid ?? "")) return [];
    const [, address, port] = match as unknown as [string, string, string];
    return [
      {
        family,
        address: family === 4 ? ipv4(address) : ipv6(address),
        port: Number.parseInt(port, 16),
        inode: Number(inode),
        uid: Number(uid),
      },
    ];
  });
}

/** The kernel prints each 32-bit word of an address in the machine's byte order (little-endian here). */
function ipv4(hex: string): string {
  return [6, 4, 2, 0].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join(".");
}

function ipv6(hex: string): string {
  const bytes = [0, 8, 16, 24].flatMap((word) => [6, 4, 2, 0].map((at) => hex.slice(word + at, word + at + 2)));
  const groups = Array.from({ length: 8 }, (_, index) =>
    Number.parseInt(`${bytes[2 * index]}${bytes[2 * index + 1]}`, 16).toString(16),
  );
  return shortened(groups);
}

/** Writes the longest run of two or more zero groups as "::" (RFC 5952). */
function shortened(groups: readonly string[]): string {
  let best = { at: -1, length: 1 };
  for (let at = 0; at < groups.length; at++) {
    let length = 0;
    while (groups[at + length] === "0") length++;
    if (length > best.length) best = { at, length };
  }
  if (best.at < 0) return groups.join(":");
  return `${groups.slice(0, best.at).join(":")}::${groups.slice(best.at + best.length).join(":")}`;
}
